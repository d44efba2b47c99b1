//! Volumes: created, resized, attached, destroyed, expunged.
//!
//! One file for each flow. `create.rs` is the model of all: the service method checks what can be
//! checked and begins; the flow below it does, or undoes.

mod attach;
mod create;
mod destroy;
mod detach;
mod expunge;
mod import;
mod migrate;
mod plan;
mod recover;
mod resize;
mod unmanage;
mod update;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, Stored, Volume};
use crate::store::Filter;
use std::sync::Arc;
use uuid::Uuid;

pub use create::{CreateVolume, VolumeSource};
pub use import::ImportVolume;
pub use resize::ResizeVolume;

/// The service of volumes.
#[derive(Debug, Clone)]
pub struct Volumes {
    rooms: Arc<Rooms>,
}

impl Volumes {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(expunge::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(recover::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(resize::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(attach::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(detach::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(destroy::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(update::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(migrate::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(import::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(unmanage::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// A volume that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<Volume>, Failure> {
        self.rooms.find_volume(uuid).await
    }

    /// Volumes, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<Volume>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }
}

impl Rooms {
    /// A volume that was not removed.
    pub(super) async fn find_volume(&self, uuid: Uuid) -> Result<Stored<Volume>, Failure> {
        let found = self.repository.find::<Volume>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no volume {uuid}")))
    }
}

/// The pool that has a volume's bytes.
pub(super) fn pool_of(volume: &Volume) -> Result<Uuid, Failure> {
    volume.pool.ok_or_else(|| {
        Failure::conflict(format!("volume {} ({:?}) is on no pool", volume.uuid, volume.name))
    })
}

/// Refuses a volume that is attached.
fn expect_detached(volume: &Volume) -> Result<(), Failure> {
    match volume.instance {
        None => Ok(()),
        Some(instance) => Err(Failure::in_use(format!(
            "volume {:?} is attached to instance {instance}; detach it first",
            volume.name
        ))),
    }
}
