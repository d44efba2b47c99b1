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
use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, Host, StoragePool, Stored};
use crate::store::{Change, Filter};
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

    /// Connects a host to every pool in its reach that is in use and connected. Gives what it
    /// knows of them afterwards, and why it could not connect to others: it stays all the same.
    async fn connect_to_pools(
        &self,
        context: &StepContext,
        host: &Stored<Host>,
    ) -> Result<(Vec<Change>, Vec<String>), StepError> {
        let states = super::storage_pool::in_use();
        let filter = Filter { zone: Some(host.zone), states, ..Filter::default() };
        let (mut changes, mut warnings) = (Vec::new(), Vec::new());
        for pool in self.repository.list::<StoragePool>(&filter).await? {
            // One that is not connected connects all its hosts when it is.
            if !pool.reaches(host) || !self.connected.has(pool.uuid) {
                continue;
            }
            let name = pool.name.clone();
            let connected = match self.access_unconnected(pool) {
                Ok(access) => self.connect_host(context, &access, host).await,
                Err(error) => Err(error),
            };
            match connected {
                Ok(known) => changes.extend(known),
                Err(error) => {
                    warnings.push(format!("storage pool {name:?}: {}", error.failure));
                }
            }
        }
        Ok((changes, warnings))
    }

    /// Fails with the host that has a name.
    async fn refuse_taken_host_name(&self, name: &str) -> Result<(), Failure> {
        let filter = Filter { name: Some(name.to_owned()), ..Filter::default() };
        match self.repository.list::<Host>(&filter).await?.first() {
            Some(host) => Err(Failure::new(
                storage_plugin_api::PluginErrorKind::AlreadyExists,
                format!(
                    "there is a hypervisor host {name:?} already, {}; take another name",
                    host.uuid
                ),
            )),
            None => Ok(()),
        }
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
