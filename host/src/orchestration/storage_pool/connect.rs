//! After a start of the host, each pool is connected again before anything touches it.
//!
//! Connecting proves to the back end which life of which installation speaks: a driver that keeps
//! a mark there raises it to this host's epoch. A mark that is ahead means that this store is
//! older than the back end, or that a twin of this installation lives: then the pool is
//! quarantined, nothing of it is touched, and an operator decides.
//!
//! **Invariant:** a pool that was not connected in this life of the host has no way for
//! operations; they wait.

use super::hosts::tell_disconnected;
use crate::jobs::{Retrying, StepContext, StepError};
use crate::model::{
    EventLevel, Failure, Host, NewEvent, RecordKind, StoragePool, StoragePoolState, Stored,
};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Filter, Refused};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use tokio::sync::Notify;
use uuid::Uuid;

const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How long a caller waits for the first attempt of a start.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pools and image stores that were connected in this life of the host.
#[derive(Debug, Default)]
pub(in crate::orchestration) struct Connected {
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Known {
    pools: HashSet<Uuid>,
    /// Why the last attempt to connect a pool failed.
    failures: HashMap<Uuid, String>,
}

impl Connected {
    pub(in crate::orchestration) fn add(&self, pool: Uuid) {
        let mut known = self.lock();
        known.failures.remove(&pool);
        known.pools.insert(pool);
        drop(known);
        self.changed.notify_waiters();
    }

    pub(in crate::orchestration) fn remove(&self, pool: Uuid) {
        let mut known = self.lock();
        known.failures.remove(&pool);
        known.pools.remove(&pool);
    }

    pub(in crate::orchestration) fn has(&self, pool: Uuid) -> bool {
        self.lock().pools.contains(&pool)
    }

    /// Why a pool is not connected, if it was tried.
    pub(in crate::orchestration) fn failure(&self, pool: Uuid) -> Option<String> {
        self.lock().failures.get(&pool).cloned()
    }

    pub(in crate::orchestration) fn failed(&self, pool: Uuid, why: String) {
        self.lock().failures.insert(pool, why);
        self.changed.notify_waiters();
    }

    /// Whether a store in use is connected, once its first attempt after a start has ended. So a
    /// caller who comes a moment too early is not refused.
    pub(in crate::orchestration) async fn is_settled(&self, store: Uuid, in_use: bool) -> bool {
        let deadline = tokio::time::sleep(FIRST_ATTEMPT);
        let mut deadline = std::pin::pin!(deadline);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.has(store) {
                return true;
            }
            if !in_use || self.failure(store).is_some() {
                return false;
            }
            tokio::select! {
                () = changed => {}
                () = &mut deadline => return false,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The states in which a pool is to be connected.
const IN_USE: [StoragePoolState; 2] = [StoragePoolState::Up, StoragePoolState::Disabled];

/// Whether a pool is to be connected.
pub(in crate::orchestration) fn is_in_use(pool: &StoragePool) -> bool {
    IN_USE.contains(&pool.state)
}

/// The words of those states, for lists.
pub(in crate::orchestration) fn in_use() -> Vec<&'static str> {
    IN_USE.iter().map(|state| state.as_str()).collect()
}

/// Asks, together with the beginning of an operation on a pool, that the pool is in use: one in
/// maintenance, or on its way there, is left alone.
pub(in crate::orchestration) fn expect_in_use(pool: Uuid) -> Change {
    Change::Expect { kind: RecordKind::StoragePool, uuid: pool, states: in_use() }
}

impl super::StoragePools {
    /// Connects every pool in use, each on its own and until it answers. Returns at once.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn connect_all(&self) -> Result<(), Failure> {
        let filter = Filter { states: in_use(), ..Filter::default() };
        for pool in self.rooms.repository.list::<StoragePool>(&filter).await? {
            let rooms = Arc::clone(&self.rooms);
            tokio::spawn(async move { rooms.connect_until_it_answers(pool.uuid).await });
        }
        Ok(())
    }

    /// Why nothing can be done with a pool now, as far as the host knows without asking its
    /// plugin; `None` where it can.
    pub fn unavailable(&self, pool: &StoragePool) -> Option<String> {
        if let Some(reason) = self.rooms.providers.why_unavailable(&pool.provider) {
            return Some(reason);
        }
        let is_waiting = IN_USE.contains(&pool.state)
            && pool.quarantine.is_none()
            && !self.rooms.connected.has(pool.uuid);
        is_waiting.then(|| {
            let why = self.rooms.connected.failure(pool.uuid);
            why.unwrap_or_else(|| "it is being connected".to_owned())
        })
    }
}

impl Rooms {
    async fn connect_until_it_answers(&self, uuid: Uuid) {
        let context = StepContext::detached("system");
        let mut providers = self.providers.changes();
        let mut wait = FIRST_WAIT;
        loop {
            providers.borrow_and_update();
            match self.reconnect(&context, uuid).await {
                Ok(()) => return,
                // The store was closed: the next start of the host connects it.
                Err(error) if error.retrying == Retrying::AtNextStart => return,
                Err(error) => {
                    self.connected.failed(uuid, error.failure.message.clone());
                    log::warn!(
                        "storage pool {uuid} cannot be connected, which is tried again in \
                         {wait:?}: {}",
                        error.failure
                    );
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                // The missing provider may have come.
                Ok(()) = providers.changed() => wait = FIRST_WAIT,
            }
        }
    }

    /// One attempt to connect a pool. A pool that belongs to someone else is quarantined, which
    /// is an end, too.
    async fn reconnect(&self, context: &StepContext, uuid: Uuid) -> Result<(), StepError> {
        let pool = self.find_pool(uuid).await?;
        if !IN_USE.contains(&pool.state) {
            return Ok(());
        }
        // A quarantine ends by an operator only: the epoch of a twin that is started often enough
        // would pass the mark one day.
        if let Some(reason) = &pool.quarantine {
            log::error!("storage pool {:?} is in quarantine still: {reason}", pool.name);
            return Ok(());
        }
        let access = self.access_to(pool)?;
        match self.connect(context, &access).await {
            Ok(changes) => {
                let hosts = self.hosts_in_reach(&access.pool).await?;
                self.write_connected(context, &access, changes, &hosts).await?;
                self.connected.add(uuid);
                // On its way into maintenance since it was written: that way ends what this began.
                if !IN_USE.contains(&self.find_pool(uuid).await?.state) {
                    self.connected.remove(uuid);
                }
                Ok(())
            }
            Err(error) if error.failure.kind == PluginErrorKind::Conflict => {
                self.quarantine(access.pool, &error.failure).await
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down what hosts know of a pool, if it is in use still; otherwise they leave again.
    pub(in crate::orchestration) async fn write_connected(
        &self,
        context: &StepContext,
        access: &PoolAccess<'_>,
        known: Vec<Change>,
        hosts: &[Stored<Host>],
    ) -> Result<(), StepError> {
        let changes = known.into_iter().chain([expect_in_use(access.pool.uuid)]).collect();
        let written = self.repository.transact(changes).await;
        if let Err(Refused::State { .. } | Refused::Missing { .. }) = &written {
            for host in hosts {
                tell_disconnected(context, access, host).await;
            }
        }
        Ok(written?)
    }

    /// Nothing touches the pool until an operator decides.
    async fn quarantine(
        &self,
        mut pool: Stored<StoragePool>,
        reason: &Failure,
    ) -> Result<(), StepError> {
        log::error!(
            "storage pool {:?} is in quarantine: {reason}; see `storage-host doctor`",
            pool.name
        );
        if pool.quarantine.as_ref() == Some(&reason.message) {
            return Ok(());
        }
        pool.quarantine = Some(reason.message.clone());
        let told = Change::Event(NewEvent {
            event_type: "POOL.QUARANTINE".to_owned(),
            level: EventLevel::Error,
            object: Some((RecordKind::StoragePool, pool.uuid)),
            account: "system".to_owned(),
            operation: None,
            description: format!("storage pool {:?} is in quarantine: {reason}", pool.name),
        });
        self.repository.transact(vec![Change::update(&pool), told]).await?;
        Ok(())
    }
}
