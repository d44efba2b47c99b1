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
use crate::jobs::{StepContext, StepError};
use crate::model::{
    EventLevel, Failure, Host, NewEvent, RecordKind, StoragePool, StoragePoolState, Stored,
};
use crate::orchestration::connecting::Connectable;
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Filter, Refused};
use std::sync::Arc;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

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
            let it = Connectable::StoragePool(pool.uuid);
            tokio::spawn(async move { rooms.connect_until_it_answers(it).await });
        }
        Ok(())
    }

    /// Why nothing can be done with a pool now, as far as the host knows without asking its
    /// plugin; `None` where it can.
    pub fn unavailable(&self, pool: &StoragePool) -> Option<String> {
        let is_in_use = IN_USE.contains(&pool.state) && pool.quarantine.is_none();
        self.rooms.why_unavailable(pool.uuid, &pool.provider, is_in_use)
    }
}

impl Rooms {
    /// One attempt to connect a pool. A pool that belongs to someone else is quarantined, which
    /// is an end, too.
    pub(in crate::orchestration) async fn reconnect(
        &self,
        context: &StepContext,
        uuid: Uuid,
    ) -> Result<(), StepError> {
        let pool = self.repository.find::<StoragePool>(uuid).await?;
        let Some(pool) = pool.filter(|pool| IN_USE.contains(&pool.state)) else {
            // In maintenance, or removed meanwhile.
            return Ok(());
        };
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
