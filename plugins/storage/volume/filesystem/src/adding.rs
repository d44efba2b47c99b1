//! A store is added to a directory and removed from it: the mark comes and goes.
//!
//! Invariants: what adding leaves, removing takes away, and nothing else; a directory is one
//! store's alone.

use crate::details::{self, Place, Reflink};
use crate::driver::pool;
use crate::names::Name;
use crate::quota;
use crate::sharing;
use crate::stores::Stores;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::{Directory, Ground, Opened};
use storage_plugin_api::prelude::*;

/// Adds a store: what it leaves in the directory, [`remove`] takes away.
pub(crate) fn add(
    stores: &Stores,
    store: &DataStore,
    mut place: Place,
    limit: Option<u64>,
) -> Result<InitializedStore> {
    let ground = Ground::prepare(&place.path)?;
    place.site.path.clone_from(&ground.path);
    let added = mark_as_ours(stores, &place, limit, ground.made);
    if added.is_err() {
        ground.give_up();
    }
    let Opened { directory, mark, .. } = added?;
    let used = match mark.capacity_bytes {
        Some(_) => quota::physical(&place, &directory)?,
        None => directory.space()?.used,
    };
    let capacity =
        mark.capacity_bytes.map_or_else(|| directory.space().map(|all| all.capacity), Ok)?;
    let path = place.path.to_string_lossy();
    let mut answer = InitializedStore::new();
    answer.url = Some(details::url(&path));
    let shares = || place.reflink != Reflink::Never && sharing::is_possible(&directory);
    let (format, why) = place.volume_format.settle(shares);
    let mut details = details::stored(&place, &path, format);
    if let Some(limit) = limit {
        details.insert("capacity_bytes", limit.to_string());
    }
    answer.details = Some(details);
    let mut pool = pool(store, &place);
    pool.details.insert("volume_format", format.word());
    pool.details.insert("volume_format_reason", why);
    answer.pool = Some(pool);
    answer.capacity_bytes = Some(capacity);
    answer.used_bytes = Some(used.min(capacity));
    answer.back_end_identity = Some(directory.identity()?);
    Ok(answer)
}

fn mark_as_ours(stores: &Stores, place: &Place, limit: Option<u64>, made: bool) -> Result<Opened> {
    let opened = stores.marks.add(place, "A storage pool", made, |directory, mark| {
        if place.reflink == Reflink::Always && !sharing::is_possible(directory) {
            return Err(PluginError::invalid_config(sharing::cannot_share(&place.path).message()));
        }
        check_limit(place, directory, limit)?;
        mark.capacity_bytes = limit;
        Ok(())
    })?;
    Stores::clean_up(place, &opened.directory)?;
    Ok(opened)
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
pub(crate) fn remove(stores: &Stores, place: &Place) -> Result<bool> {
    stores.marks.remove(place, |directory| {
        check_empty(place, directory)?;
        Stores::clean_up(place, directory).map(drop)
    })?;
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
