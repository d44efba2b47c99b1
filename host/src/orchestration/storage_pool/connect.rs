//! After a start of the host, each pool is connected again before anything touches it.
//!
//! Connecting proves to the back end which life of which installation speaks: a driver that keeps
//! a mark there raises it to this host's epoch. A mark that is ahead means that this store is
//! older than the back end, or that a twin of this installation lives: then the pool is
//! quarantined, nothing of it is touched, and an operator decides.
//!
//! **Invariant:** a pool that was not connected in this life of the host has no way for
//! operations; they wait.

use crate::jobs::{StepContext, StepError};
use crate::model::{
    EventLevel, Failure, NewEvent, RecordKind, StoragePool, StoragePoolState, Stored,
};
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Filter};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The pools that were connected in this life of the host.
#[derive(Debug, Default)]
pub(in crate::orchestration) struct Connected(Mutex<HashSet<Uuid>>);

impl Connected {
    pub(in crate::orchestration) fn add(&self, pool: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pool);
    }

    pub(in crate::orchestration) fn remove(&self, pool: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&pool);
    }

    pub(in crate::orchestration) fn has(&self, pool: Uuid) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&pool)
    }
}

/// The states in which a pool is to be connected.
const IN_USE: [StoragePoolState; 2] = [StoragePoolState::Up, StoragePoolState::Disabled];

impl super::StoragePools {
    /// Connects every pool in use, each on its own and until it answers. Returns at once.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn connect_all(&self) -> Result<(), Failure> {
        let states = IN_USE.iter().map(|state| state.as_str()).collect();
        let filter = Filter { states, ..Filter::default() };
        for pool in self.rooms.repository.list::<StoragePool>(&filter).await? {
            let rooms = Arc::clone(&self.rooms);
            tokio::spawn(async move { rooms.connect_until_it_answers(pool.uuid).await });
        }
        Ok(())
    }
}

impl Rooms {
    async fn connect_until_it_answers(&self, uuid: Uuid) {
        let context = StepContext::detached("system");
        let mut wait = FIRST_WAIT;
        loop {
            match self.reconnect(&context, uuid).await {
                Ok(()) => return,
                Err(error) => {
                    log::warn!(
                        "storage pool {uuid} cannot be connected, which is tried again in \
                         {wait:?}: {}",
                        error.failure
                    );
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// One attempt to connect a pool. A pool that belongs to someone else is quarantined, which
    /// is an end, too.
    async fn reconnect(&self, context: &StepContext, uuid: Uuid) -> Result<(), StepError> {
        let pool = self.find_pool(uuid).await?;
        if !IN_USE.contains(&pool.state) {
            return Ok(());
        }
        let mut access = self.access_to(pool)?;
        match self.connect(context, &mut access).await {
            Ok(changes) => {
                self.repository.transact(changes).await?;
                let mut pool = self.find_pool(uuid).await?;
                if pool.quarantine.take().is_some() {
                    self.repository.transact(vec![Change::update(&pool)]).await?;
                }
                self.connected.add(uuid);
                Ok(())
            }
            Err(error) if error.failure.kind == PluginErrorKind::Conflict => {
                self.quarantine(access.pool, &error.failure).await
            }
            Err(error) => Err(error),
        }
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
