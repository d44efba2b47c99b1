//! What is remembered of stores between calls: their clients, and that their marks were looked at.
//! All of it may be forgotten at any time; the truth is in the bucket.
//!
//! Clients are keyed by store and epoch, never by access key: two stores of one user may be on two
//! servers.

use crate::details::Place;
use crate::mark::{self, Features, Mark};
use crate::s3::Bucket;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::blocking;
use storage_plugin_api::prelude::*;

/// How long a mark that was looked at is believed: a newer host is noticed after that at the
/// latest.
const BELIEVED: Duration = Duration::from_secs(10);

/// The memory. One for all stores of the provider.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    known: Mutex<HashMap<Uuid, Known>>,
    /// Stores that could not be added, of which nothing was made: there is nothing to ask a server
    /// about that may not even answer.
    unmade: Mutex<HashSet<Uuid>>,
    /// Keeps what belongs to objects and no server would tell; set by `configure`.
    host: OnceLock<Kept>,
}

/// The host, which has no `Debug`.
struct Kept(Arc<dyn HostServices>);

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

#[derive(Debug, Clone)]
struct Known {
    bucket: Bucket,
    mark: Option<(Instant, Mark)>,
}

/// A store whose mark was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) place: Place,
    pub(crate) bucket: Bucket,
    pub(crate) features: Features,
}

impl Stores {
    /// Takes over who keeps things.
    ///
    /// # Errors
    /// `Conflict` when that was done before.
    pub(crate) fn configure(&self, host: Arc<dyn HostServices>) -> Result<()> {
        self.host.set(Kept(host)).map_err(|_| PluginError::conflict("it was configured before"))
    }

    /// Who keeps things.
    pub(crate) fn host(&self) -> Option<&Arc<dyn HostServices>> {
        self.host.get().map(|kept| &kept.0)
    }

    /// The client for a place: the one that was made before, if it would be the same.
    pub(crate) async fn bucket(&self, place: &Place) -> Result<Bucket> {
        let known = self.lock().get(&place.store).map(|known| known.bucket.clone());
        if let Some(bucket) = known.filter(|known| *known.connection() == place.connection) {
            return Ok(bucket);
        }
        let connection = place.connection.clone();
        // A CA file is read, or the system's certificates are.
        let bucket = blocking(move || Bucket::new(connection)).await?;
        self.lock().insert(place.store, Known { bucket: bucket.clone(), mark: None });
        Ok(bucket)
    }

    /// Opens a store for looking at it: whoever owns it now, it must be this one.
    ///
    /// # Errors
    /// `Unavailable` where the mark is missing, `AlreadyExists` where it is another store's.
    pub(crate) async fn look(&self, store: &DataStore) -> Result<Opened> {
        let place = Place::of(store)?;
        let bucket = self.bucket(&place).await?;
        let mark = self.mark(&bucket, &place).await?;
        mark.check_owner(&place)?;
        Ok(Opened { place, bucket, features: mark.features })
    }

    /// Opens a store for changing something, and sees to it that no host whose epoch is lower
    /// changes anything from now on.
    ///
    /// # Errors
    /// Those of [`look`](Self::look); `Conflict` where a newer host owns the store.
    pub(crate) async fn change(&self, store: &DataStore) -> Result<Opened> {
        let opened = self.look(store).await?;
        let (place, bucket) = (&opened.place, &opened.bucket);
        let mark = self.mark(bucket, place).await?;
        mark.check_epoch(place)?;
        if mark.epoch < place.epoch {
            // As it is by now: another host may have been quicker.
            let mut mark = Mark::read(bucket, place).await?.ok_or_else(|| mark::missing(place))?;
            mark.check_owner(place)?;
            mark.check_epoch(place)?;
            mark.epoch = place.epoch;
            mark.write(bucket, place, false).await?;
            self.remember(place, mark);
        }
        Ok(opened)
    }

    async fn mark(&self, bucket: &Bucket, place: &Place) -> Result<Mark> {
        let known = self.lock().get(&place.store).and_then(|known| known.mark.clone());
        if let Some((_, mark)) = known.filter(|(since, _)| since.elapsed() < BELIEVED) {
            return Ok(mark);
        }
        let mark = Mark::read(bucket, place).await?.ok_or_else(|| mark::missing(place))?;
        self.remember(place, mark.clone());
        Ok(mark)
    }

    pub(crate) fn remember(&self, place: &Place, mark: Mark) {
        if let Some(known) = self.lock().get_mut(&place.store) {
            known.mark = Some((Instant::now(), mark));
        }
    }

    /// Whether nothing was made of a store that is being added.
    pub(crate) fn set_unmade(&self, store: Uuid, is_unmade: bool) {
        let mut unmade = self.unmade.lock().unwrap_or_else(PoisonError::into_inner);
        if is_unmade {
            unmade.insert(store)
        } else {
            unmade.remove(&store)
        };
    }

    /// Whether nothing was made of a store, as far as this process knows.
    pub(crate) fn is_unmade(&self, store: Uuid) -> bool {
        self.unmade.lock().unwrap_or_else(PoisonError::into_inner).contains(&store)
    }

    /// Forgets a store.
    pub(crate) fn forget(&self, store: Uuid) {
        self.lock().remove(&store);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
