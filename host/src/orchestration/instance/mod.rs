//! Instances, as far as storage needs them: where they run decides who is let in to their volumes.
//!
//! One file for each flow. No hypervisor is asked for anything; an instance that "runs" is one
//! whose hypervisor host has access to its volumes.

mod deploy;
mod destroy;
mod start;
mod stop;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, Instance, Stored};
use crate::store::{Change, Filter};
use std::sync::Arc;
use uuid::Uuid;

pub use deploy::DeployInstance;

/// The service of instances.
#[derive(Debug, Clone)]
pub struct Instances {
    rooms: Arc<Rooms>,
}

impl Instances {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(deploy::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(start::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(stop::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(destroy::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// An instance that was not expunged.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<Instance>, Failure> {
        self.rooms.find_instance(uuid).await
    }

    /// Instances, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<Instance>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }

    /// The volumes of an instance, held for an operation on it; nobody may be reading them as they
    /// are now for a copy.
    async fn volumes_of(&self, instance: Uuid) -> Result<(Vec<Uuid>, Vec<Change>), Failure> {
        let attachments = self.rooms.attachments_of(instance).await?;
        let volumes: Vec<Uuid> = attachments.iter().map(|one| one.volume).collect();
        let unused = volumes.iter().copied().map(Change::ExpectUnused).collect();
        Ok((volumes, unused))
    }
}
