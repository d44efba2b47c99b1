//! A hypervisor host is removed: the providers agree, then it leaves the pools, then it is gone.
//!
//! **Invariant:** a provider's error keeps the host, unless the removal is forced; once all agreed
//! there is no way back, for they took the host out of their access groups.

use super::listeners::News;
use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{
    Attachment, Failure, Host, HostEvent, Instance, Machine, RecordKind, StoragePool, Stored,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::HypervisorHosts {
    /// Begins to remove a host (`deleteHost`).
    ///
    /// # Errors
    /// `InUse` while instances run on it, volumes are reachable from it, or a pool is its own,
    /// naming them.
    pub async fn delete(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        forced: bool,
    ) -> Result<Started, Failure> {
        let host = self.rooms.find_hypervisor_host(uuid).await?;
        host.state.next(HostEvent::RemoveRequested)?;
        self.rooms.refuse_users_of_host(&host).await?;
        let object = (RecordKind::Host, uuid);
        let changes = vec![Change::update(&host), Change::ExpectUnused(uuid)];
        let state = State { host: uuid, forced };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

/// `host.remove`.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    host: Uuid,
    forced: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "host.remove";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("ask the providers", step_fn!(ask)).undone_by(step_fn!(add_again)),
        Step::local("take it out of use", step_fn!(take_out)),
        Step::outside("disconnect it from the pools", step_fn!(disconnect)).forward_only(),
        Step::outside("tell the providers", step_fn!(tell)).forward_only(),
    ];
}

impl Flow {
    async fn ask(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.refuse_users_of_host(&host).await?;
        let errors = self.0.tell_listeners(context, News::AboutToBeRemoved, &host).await;
        match errors.into_iter().next() {
            Some((provider, error)) if !state.forced => {
                Err(StepError::from(error).context(format!(
                    "provider {provider:?} keeps hypervisor host {:?}; mend that, or remove it \
                     with forced=true",
                    host.name
                )))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The providers that agreed let the host in again.
    async fn add_again(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.tell_listeners(context, News::Added, &host).await;
        self.0.connect_to_pools(context, &host).await?;
        Ok(Vec::new())
    }

    async fn take_out(&self, _: &StepContext, state: &mut State) -> Result<Vec<Change>, StepError> {
        let mut host = self.0.find_hypervisor_host(state.host).await?;
        // Again, for an instance may have come while the providers were asked.
        self.0.refuse_users_of_host(&host).await?;
        host.state = host.state.next(HostEvent::RemoveRequested)?;
        Ok(vec![Change::update(&host), Change::ExpectUnused(host.uuid)])
    }

    async fn disconnect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.disconnect_host(context, &host).await
    }

    async fn tell(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.tell_listeners(context, News::Removed, &host).await;
        // A pool may have connected it meanwhile.
        let mut changes = self.0.disconnect_host(context, &host).await?;
        let told = format!("hypervisor host {:?} was removed", host.name);
        let object = (RecordKind::Host, host.uuid);
        changes.extend([Change::remove(&host.record), context.event("HOST.DELETE", object, told)]);
        Ok(changes)
    }
}

impl Rooms {
    /// Fails with the names of what needs a host.
    async fn refuse_users_of_host(&self, host: &Stored<Host>) -> Result<(), StepError> {
        let of_host = Filter { owner: Some(host.uuid), ..Filter::default() };
        let mut users: Vec<String> = self
            .repository
            .list::<Instance>(&of_host)
            .await?
            .iter()
            // Also one on its way: the host is being let in to its volumes, or shut out.
            .filter(|instance| instance.state.has_host())
            .map(|instance| format!("instance {:?} runs on it", instance.name))
            .collect();
        let attachments = self.repository.list::<Attachment>(&Filter::default()).await?;
        users.extend(
            attachments
                .iter()
                .filter(|attachment| attachment.host == Some(host.uuid))
                .map(|attachment| format!("volume {} is reachable from it", attachment.volume)),
        );
        let of_cluster = Filter { owner: Some(host.cluster), ..Filter::default() };
        users.extend(
            self.repository
                .list::<StoragePool>(&of_cluster)
                .await?
                .iter()
                .filter(|pool| pool.scope.host_id == Some(host.uuid))
                .map(|pool| format!("storage pool {:?} is its own", pool.name)),
        );
        if users.is_empty() {
            return Ok(());
        }
        Err(Failure::in_use(format!(
            "hypervisor host {:?} is in use: {}; stop or detach these first",
            host.name,
            users.join(", ")
        ))
        .into())
    }
}
