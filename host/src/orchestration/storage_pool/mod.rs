//! Storage pools: added, connected, in maintenance, removed.
//!
//! One file for each flow.

mod connect;
mod create;

use super::rooms::Rooms;
use crate::model::{Failure, StoragePool, Stored};
use crate::store::Filter;
use std::sync::Arc;
use uuid::Uuid;

pub(super) use connect::Connected;
pub use create::CreateStoragePool;

/// The service of storage pools.
#[derive(Debug, Clone)]
pub struct StoragePools {
    rooms: Arc<Rooms>,
}

impl StoragePools {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
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
}
