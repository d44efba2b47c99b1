//! A store is added to a directory and removed from it: the mark comes and goes.

use crate::address::Address;
use crate::details::{self, Place};
use crate::layout::File;
use crate::stores::Stores;
use crate::streams::taken;
use crate::tree;
use rustix::fs::fstatfs;
use std::ops::ControlFlow;
use std::path::Path;
use storage_plugin_api::files::{Directory, Ground, Opened};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, log};

/// Adds a store: what it leaves in the directory, [`remove`] takes away.
pub(crate) fn add(stores: &Stores, mut place: Place) -> Result<InitializedStore> {
    let ground = prepare(&place)?;
    place.site.path.clone_from(&ground.path);
    let what = if place.role == DataStoreRole::Image { "An image store" } else { "An image cache" };
    let added =
        stores.marks.add(&place, what, ground.made, |directory, _| check_limit(&place, directory));
    if added.is_err() {
        ground.give_up();
    }
    let Opened { directory, .. } = added?;
    clean_up(stores, &place, &directory)?;
    let space = space(&place, &directory)?;
    let mut answer = InitializedStore::new();
    if let Address::Directory(path) = &mut place.address {
        path.clone_from(&place.site.path);
    }
    answer.url = Some(place.address.to_string());
    answer.details = Some(details::stored(&place));
    answer.capacity_bytes = Some(space.capacity_bytes);
    answer.used_bytes = Some(space.used_bytes);
    answer.back_end_identity = Some(identity(&place, &directory)?);
    Ok(answer)
}

/// How full a store is: below its limit what its objects take, else its file system.
pub(crate) fn space(place: &Place, directory: &Directory) -> Result<StorageStats> {
    let space = directory.space()?;
    let (capacity, used) = match place.limit {
        Some(limit) => (limit, taken(place, directory, None)?),
        None => (space.capacity, space.used),
    };
    Ok(StorageStats::new(capacity, used.min(capacity)))
}

/// Finds the directory. A local one is made where its parent is there. That of an export is not:
/// it would be made on the disk of this machine, where nothing is mounted.
fn prepare(place: &Place) -> Result<Ground> {
    if matches!(place.address, Address::Directory(_)) {
        return Ground::prepare(&place.path);
    }
    if !place.path.exists() {
        return Err(PluginError::not_found(format!(
            "mount_path: {:?}, where {} is said to be mounted, is not there; mount the export first",
            place.path, place.address
        )));
    }
    let ground = Ground::prepare(&place.path)?;
    if place.is_of_settings && ground.path != place.path {
        return Err(PluginError::invalid_config(format!(
            "mounts: {:?} leads through a symbolic link to {:?}; write that one, because links are \
             not followed later",
            place.path, ground.path
        )));
    }
    if !is_nfs(&ground.path) {
        log::warn!(
            "{:?}, where {} is said to be mounted, is on no NFS file system; if the export is to be \
             mounted there, remove the store, mount it, and add the store again",
            ground.path,
            place.address
        );
    }
    Ok(ground)
}

/// Whether a directory is on an NFS file system; where the system does not tell, it is taken for
/// one.
fn is_nfs(path: &Path) -> bool {
    let Ok(directory) = std::fs::File::open(path) else {
        return true;
    };
    fstatfs(&directory).map_or(true, |told| is_nfs_type(&told))
}

#[cfg(target_os = "linux")]
fn is_nfs_type(told: &rustix::fs::StatFs) -> bool {
    told.f_type == rustix::fs::NFS_SUPER_MAGIC
}

#[cfg(not(target_os = "linux"))]
fn is_nfs_type(_: &rustix::fs::StatFs) -> bool {
    true
}

/// Names the place itself. File systems over the network often have no id, and a device's number
/// changes with each mount: the URL is the name then.
fn identity(place: &Place, directory: &Directory) -> Result<String> {
    match directory.lasting_identity()? {
        None if matches!(place.address, Address::Export(_)) => Ok(place.address.to_string()),
        Some(identity) => Ok(identity),
        None => directory.identity(),
    }
}

fn check_limit(place: &Place, directory: &Directory) -> Result<()> {
    let Some(limit) = place.limit else {
        return Ok(());
    };
    let taken = taken(place, directory, None)?;
    if limit >= taken {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "capacity_bytes: {limit} bytes are less than the {taken} of the objects that are there"
    )))
}

/// Removes the mark of a store, and what a crash left in the making; a store that is gone, or
/// another's, stays so.
pub(crate) fn remove(stores: &Stores, place: &Place) -> Result<bool> {
    stores.marks.remove(place, |directory| {
        check_empty(place, directory)?;
        clean_up(stores, place, directory)
    })?;
    Ok(true)
}

fn check_empty(place: &Place, store: &Directory) -> Result<()> {
    let (mut ours, mut first) = (0, None);
    tree::walk(store, "", |entry| {
        if matches!(&entry.kind, File::Object(name, _) if name.installation == place.installation) {
            ours += 1;
            first.get_or_insert_with(|| entry.folder.path(entry.file));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    match first {
        None => Ok(()),
        Some(first) => Err(PluginError::in_use(format!(
            "{ours} objects of ours are still in {:?}, one of them {first:?}",
            place.path
        ))),
    }
}

/// Removes what a crash left in the making and nobody goes on with, and the folders that are empty
/// then.
fn clean_up(stores: &Stores, place: &Place, store: &Directory) -> Result<()> {
    let mut left = Vec::new();
    tree::walk(store, "", |entry| {
        if matches!(&entry.kind, File::Unfinished(name) if name.installation == place.installation)
        {
            left.push((entry.folder, entry.file.to_owned()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (folder, file) in left {
        if let Some(directory) = tree::open(store, &folder)? {
            directory.discard_left_over(&file)?;
        }
        // Somebody may be putting an object into the folder.
        let _folders = stores.turn_at_folders(place);
        tree::prune(store, &folder)?;
    }
    Ok(())
}
