//! The limit of a pool: the virtual sizes of its objects, together.
//!
//! The truth is the directory: the sizes of the files that are objects of ours. What is being made
//! is not seen there yet, so it is remembered until it is.

use crate::details::Place;
use crate::names::{Format, Name};
use crate::qcow2;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::{Directory, Found};
use storage_plugin_api::prelude::*;

/// The bytes that the calls under way will take, by the file that will have them. Two calls for one
/// file are two entries: one that ends takes only its own away.
type Pending = Mutex<BTreeMap<String, Vec<u64>>>;

/// What is reserved on each store.
#[derive(Debug, Default)]
pub(crate) struct Quotas(Mutex<HashMap<Uuid, Arc<Pending>>>);

/// Bytes that are set aside until the file that has them is there, or will not be.
#[derive(Debug)]
pub(crate) struct Reservation(Option<(Arc<Pending>, String, u64)>);

impl Quotas {
    /// Sets bytes aside for a file, which may be there with less already.
    ///
    /// # Errors
    /// `CapacityExceeded` where the pool has a limit and the file does not fit below it.
    pub(crate) fn reserve(
        &self,
        place: &Place,
        (directory, limit): (&Directory, Option<u64>),
        file: &str,
        bytes: u64,
    ) -> Result<Reservation> {
        let Some(limit) = limit else {
            return Ok(Reservation(None));
        };
        let store = Arc::clone(lock(&self.0).entry(place.store).or_default());
        // Held while the directory is summed up: two that fit one by one may not fit together.
        let mut pending = lock(&store);
        let mut sizes = sizes(place, directory)?;
        for (file, all) in pending.iter() {
            let size = sizes.entry(file.clone()).or_default();
            *size = all.iter().copied().fold(*size, u64::max);
        }
        let of_others = sum(sizes.iter().filter(|(name, _)| *name != file));
        // What takes no more than it has is let be, also where the limit was set below that.
        let has = sizes.get(file).copied().unwrap_or_default();
        if bytes > has && of_others.saturating_add(bytes) > limit {
            return Err(PluginError::capacity_exceeded(format!(
                "{bytes} bytes do not fit into the {} that are left of the {limit} of the pool at \
                 {:?}",
                limit.saturating_sub(of_others),
                place.path
            )));
        }
        pending.entry(file.to_owned()).or_default().push(bytes);
        drop(pending);
        Ok(Reservation(Some((store, file.to_owned(), bytes))))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let Some((store, file, bytes)) = &self.0 else {
            return;
        };
        let mut pending = lock(store);
        if let Entry::Occupied(mut all) = pending.entry(file.clone()) {
            if let Some(own) = all.get().iter().position(|one| one == bytes) {
                all.get_mut().swap_remove(own);
            }
            if all.get().is_empty() {
                all.remove();
            }
        }
    }
}

/// The virtual sizes of all objects of the installation, together.
pub(crate) fn reserved(place: &Place, directory: &Directory) -> Result<u64> {
    Ok(sum(sizes(place, directory)?.iter()))
}

/// The space that all of them use. Blocks that two share count twice.
pub(crate) fn physical(place: &Place, directory: &Directory) -> Result<u64> {
    Ok(sum(measure(place, directory, |_, found| found.physical)?.iter()))
}

fn sizes(place: &Place, directory: &Directory) -> Result<BTreeMap<String, u64>> {
    measure(place, directory, |file, found| match Format::of(file) {
        Format::Raw => found.size,
        // One that cannot be read takes what it takes.
        Format::Qcow2 => qcow2::header(directory, file).map_or(found.size, |header| header.size),
    })
}

fn measure(
    place: &Place,
    directory: &Directory,
    of: impl Fn(&str, &Found) -> u64,
) -> Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    for file in directory.names()? {
        let is_ours =
            Name::parse(&file).is_some_and(|name| name.installation == place.installation);
        // What is no ordinary file is nobody's space.
        if is_ours && let Ok(Some(found)) = directory.look(&file) {
            let size = of(&file, &found);
            sizes.insert(file, size);
        }
    }
    Ok(sizes)
}

fn sum<'a>(sizes: impl Iterator<Item = (&'a String, &'a u64)>) -> u64 {
    sizes.fold(0, |sum, (_, size)| sum.saturating_add(*size))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
