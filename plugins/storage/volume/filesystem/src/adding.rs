//! A store is added to a directory and removed from it: the mark comes and goes.
//!
//! Invariants: what adding leaves, removing takes away, and nothing else; a directory is one
//! store's alone.

use crate::details::{self, Place, Reflink};
use crate::directory::Directory;
use crate::driver::pool;
use crate::living;
use crate::mark::{self, Mark};
use crate::names::Name;
use crate::quota;
use crate::sharing;
use crate::space;
use crate::stores::{Opened, Stores};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// Adds a store: what it leaves in the directory, [`remove`] takes away.
pub(crate) fn add(
    stores: &Stores,
    store: &DataStore,
    mut place: Place,
    limit: Option<u64>,
) -> Result<InitializedStore> {
    let made = make_directory(&place.path)?;
    let added = resolve(&place.path).and_then(|path| {
        place.path = path;
        mark_as_ours(stores, &place, limit, made)
    });
    if added.is_err() && made {
        // Only what is empty is removed.
        fs::remove_dir(&place.path).ok();
    }
    let Opened { directory, mark } = added?;
    let used = match mark.capacity_bytes {
        Some(_) => quota::physical(&place, &directory)?,
        None => space::of(&directory)?.used,
    };
    let capacity =
        mark.capacity_bytes.map_or_else(|| space::of(&directory).map(|all| all.capacity), Ok)?;
    let path = place.path.to_string_lossy();
    let mut answer = InitializedStore::new();
    answer.url = Some(details::url(&path));
    let mut details = details::stored(&place, &path);
    if let Some(limit) = limit {
        details.insert("capacity_bytes", limit.to_string());
    }
    answer.details = Some(details);
    answer.pool = Some(pool(store, &place));
    answer.capacity_bytes = Some(capacity);
    answer.used_bytes = Some(used.min(capacity));
    answer.back_end_identity = Some(space::identity(&directory)?);
    Ok(answer)
}

/// Makes the directory, unless it is there; whether it was made.
fn make_directory(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(false),
        Ok(_) => {
            let why = format!("path {path:?} is not a directory");
            return Err(PluginError::invalid_config(why));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(PluginError::from_io(format!("path {path:?}"), &error)),
    }
    let made = fs::create_dir(path);
    made.map_err(|error| PluginError::from_io(format!("path: cannot make {path:?}"), &error))?;
    Ok(true)
}

/// The path without links. It is the one that is stored: a link that is put into it later is found.
fn resolve(path: &Path) -> Result<PathBuf> {
    let resolved = fs::canonicalize(path)
        .map_err(|error| PluginError::from_io(format!("path {path:?}"), &error))?;
    if resolved.to_str().is_none() || resolved.parent().is_none() {
        let why = format!("path {resolved:?} cannot be a store; name a directory of its own");
        return Err(PluginError::invalid_config(why));
    }
    Ok(resolved)
}

fn mark_as_ours(stores: &Stores, place: &Place, limit: Option<u64>, made: bool) -> Result<Opened> {
    let directory = Directory::open(&place.path)?;
    let alone = directory.alone()?;
    let mut mark = match Mark::read(&directory)? {
        Some(mark) => {
            mark.check_owner(place)?;
            mark
        }
        None => Mark::new(place, made),
    };
    if place.reflink == Reflink::Always && !sharing::is_possible(&directory) {
        return Err(PluginError::invalid_config(sharing::cannot_share(&place.path).message()));
    }
    check_limit(place, &directory, limit)?;
    mark.capacity_bytes = limit;
    // Also the proof that the directory can be written to.
    mark.write(&directory)?;
    if let Some(parent) = place.path.parent().filter(|_| made) {
        fs::File::open(parent)
            .and_then(|parent| parent.sync_all())
            .map_err(|error| PluginError::from_io(format!("cannot flush {parent:?}"), &error))?;
    }
    stores.forget(place);
    Stores::clean_up(place, &directory)?;
    drop(alone);
    Ok(Opened { directory, mark })
}

pub(crate) fn check_limit(place: &Place, directory: &Directory, limit: Option<u64>) -> Result<()> {
    let reserved = quota::reserved(place, directory)?;
    match limit {
        Some(limit) if limit < reserved => Err(PluginError::invalid_argument(format!(
            "capacity_bytes: {limit} bytes are less than the {reserved} of the objects that are \
             there"
        ))),
        _ => Ok(()),
    }
}

/// Removes the mark of a store, and nothing else; a store that is gone, or another's, stays so.
pub(crate) fn remove(stores: &Stores, mut place: Place) -> Result<bool> {
    // What was refused may not have been resolved; what is not there bears no mark of ours.
    let Ok(path) = fs::canonicalize(&place.path) else {
        return Ok(true);
    };
    place.path = path;
    let Ok(directory) = Directory::open(&place.path) else {
        return Ok(true);
    };
    let alone = directory.alone()?;
    let Some(mark) = Mark::read(&directory)?.filter(|mark| mark.is_of(&place)) else {
        return Ok(true);
    };
    mark.check_epoch(&place)?;
    check_empty(&place, &directory)?;
    Stores::clean_up(&place, &directory)?;
    directory.discard(mark::NEW)?;
    directory.unlink(mark::FILE)?;
    living::leave(&place, &directory)?;
    directory.sync()?;
    stores.forget(&place);
    drop(alone);
    if mark.made_directory {
        // Somebody else's files keep it.
        fs::remove_dir(&place.path).ok();
    }
    Ok(true)
}

fn check_empty(place: &Place, directory: &Directory) -> Result<()> {
    let names = directory.names()?;
    let is_ours = |file: &&String| {
        Name::parse(file).is_some_and(|name| name.installation == place.installation)
    };
    let mut ours = names.iter().filter(is_ours);
    match ours.next() {
        None => Ok(()),
        Some(first) => Err(PluginError::in_use(format!(
            "{} objects of ours are still in {:?}, one of them {first:?}",
            ours.count() + 1,
            place.path
        ))),
    }
}
