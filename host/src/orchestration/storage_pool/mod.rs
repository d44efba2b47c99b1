//! Storage pools: added, connected, in maintenance, removed.
//!
//! One file for each flow.

mod cancel_maintenance;
mod connect;
mod create;
mod delete;
mod hosts;
mod maintain;
mod release;
mod update;

#[cfg(test)]
pub(in crate::orchestration) mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, StoragePool, Stored};
use crate::store::Filter;
use std::sync::Arc;
use uuid::Uuid;

pub(super) use connect::{expect_in_use, in_use, is_in_use};
pub use create::CreateStoragePool;
pub(super) use create::{is_unknown, limit_of};
pub use update::UpdateStoragePool;

/// The service of storage pools.
#[derive(Debug, Clone)]
pub struct StoragePools {
    rooms: Arc<Rooms>,
}

impl StoragePools {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        let jobs = &rooms.jobs;
        jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(update::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(maintain::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(cancel_maintenance::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(release::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(delete::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// A pool that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<StoragePool>, Failure> {
        Ok(self.rooms.find_pool(uuid).await?)
    }

    /// Pools, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<StoragePool>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }

    /// Asks a pool how full it is, and writes that down.
    ///
    /// # Errors
    /// As the way to the pool, and the driver's.
    pub async fn refresh_capacity(&self, pool: Uuid) -> Result<(), Failure> {
        Ok(self.rooms.refresh(pool).await?)
    }

    /// The pools of a volume's zone that it could move to, each with whether it would take it,
    /// and why not.
    ///
    /// # Errors
    /// The store's; `NotFound`.
    pub async fn for_migration(
        &self,
        volume: Uuid,
    ) -> Result<Vec<(Stored<StoragePool>, Option<String>)>, Failure> {
        Ok(self.rooms.destinations(volume).await?)
    }
}
