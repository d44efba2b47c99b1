//! Hypervisor hosts: registered, disabled and enabled, removed; and every provider that listens
//! is told.
//!
//! One file for each flow; `listeners.rs` is the way to the providers.

mod add;
mod listeners;
mod remove;
mod update;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::jobs::{Retrying, StepContext, StepError};
use crate::model::{Failure, Host, StoragePool, Stored};
use crate::store::Filter;
use std::sync::Arc;
use uuid::Uuid;

pub use add::AddHost;
pub(super) use add::{Flow as AddFlow, State as AddState};
pub use update::UpdateHost;

/// The service of hypervisor hosts.
#[derive(Debug, Clone)]
pub struct HypervisorHosts {
    rooms: Arc<Rooms>,
}

impl HypervisorHosts {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        let jobs = &rooms.jobs;
        jobs.add_flow(Arc::new(add::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(update::Flow(Arc::clone(&rooms))));
        jobs.add_flow(Arc::new(remove::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// A host that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<Host>, Failure> {
        Ok(self.rooms.find_hypervisor_host(uuid).await?)
    }

    /// Hosts, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<Host>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }
}

impl Rooms {
    async fn find_hypervisor_host(&self, uuid: Uuid) -> Result<Stored<Host>, StepError> {
        let found = self.repository.find::<Host>(uuid).await?;
        found
            .ok_or_else(|| Failure::not_found(format!("there is no hypervisor host {uuid}")).into())
    }

    /// Connects a host to every pool in its reach that is in use and connected, and writes down
    /// what it knows of each: one that goes into maintenance at this moment keeps it from no other.
    /// Gives why it could not connect to others: it stays all the same.
    async fn connect_to_pools(
        &self,
        context: &StepContext,
        host: &Stored<Host>,
    ) -> Result<Vec<String>, StepError> {
        let states = super::storage_pool::in_use();
        let filter = Filter { zone: Some(host.zone), states, ..Filter::default() };
        let mut warnings = Vec::new();
        for pool in self.repository.list::<StoragePool>(&filter).await? {
            // One that is not connected connects all its hosts when it is.
            if !pool.reaches(host) || !self.connected.has(pool.uuid) {
                continue;
            }
            let name = pool.name.clone();
            match self.connect_to_pool(context, pool, host).await {
                Ok(()) => {}
                Err(error) if error.retrying == Retrying::AtNextStart => return Err(error),
                Err(error) => {
                    warnings.push(format!("storage pool {name:?}: {}", error.failure));
                }
            }
        }
        Ok(warnings)
    }

    async fn connect_to_pool(
        &self,
        context: &StepContext,
        pool: Stored<StoragePool>,
        host: &Stored<Host>,
    ) -> Result<(), StepError> {
        let access = self.access_unconnected(pool)?;
        let known = self.connect_host(context, &access, host).await?;
        self.write_connected(context, &access, known, std::slice::from_ref(host)).await
    }
}

/// Adds to what is shown with a host.
fn warn(host: &mut Host, warnings: Vec<String>) {
    if warnings.is_empty() {
        return;
    }
    let said = host.warning.take().into_iter().chain(warnings).collect::<Vec<_>>();
    host.warning = Some(said.join("; "));
}
