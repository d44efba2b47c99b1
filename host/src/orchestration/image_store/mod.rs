//! Image stores and image caches (secondary storage): added, connected, updated, emptied, removed.
//!
//! One file for each flow.

mod add;
mod balance;
mod choice;
mod connect;
mod delete;
mod evict;
mod eviction;
mod migrate;
mod migrate_flow;
mod migrate_object;
mod release;
mod select;
mod update;
mod usage;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, ImageStore, Stored};
use crate::store::Filter;
use std::sync::Arc;
use uuid::Uuid;

pub use add::{AddImageStore, DEFAULT_IMAGE_PROVIDER};
pub(super) use choice::Wanted;
pub use choice::{Rank, Verdict};
#[cfg(test)]
pub(super) use eviction::Why;
pub use migrate::{MigrateImages, Migrated, MigrationType};
pub use select::Candidate;
pub use update::UpdateImageStore;

/// The service of image stores and image caches.
#[derive(Debug, Clone)]
pub struct ImageStores {
    rooms: Arc<Rooms>,
}

impl ImageStores {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(add::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(delete::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(evict::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(migrate_flow::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(release::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(migrate_object::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// An image store that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<ImageStore>, Failure> {
        Ok(self.rooms.find_image_store(uuid).await?)
    }

    /// Image stores and image caches, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<ImageStore>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }
}
