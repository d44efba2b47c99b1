//! A hypervisor host is added: its record, then every provider that listens, then the pools.
//!
//! **Invariant:** the registration goes on whatever a provider says; what it said is shown with
//! the host.

use super::listeners::News;
use super::warn;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Cluster, Failure, Host, HostState, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::HypervisorType;
use uuid::Uuid;

/// What a new host is.
#[derive(Debug, Clone)]
pub struct AddHost {
    /// Its name.
    pub name: String,
    /// The cluster it is in.
    pub cluster: Uuid,
    /// Its hypervisor.
    pub hypervisor: HypervisorType,
    /// Its address.
    pub address: Option<String>,
    /// Its address in the storage network.
    pub storage_address: Option<String>,
    /// Its iSCSI qualified name or NVMe host name.
    pub initiator: Option<String>,
    /// Its Fibre Channel ports.
    pub world_wide_port_names: Vec<String>,
}

impl super::HypervisorHosts {
    /// Begins to add a host (`addHost`).
    ///
    /// # Errors
    /// `NotFound` for a cluster that there is not, `InvalidArgument` for another hypervisor than
    /// the cluster's, `AlreadyExists` for a name that is taken.
    pub async fn add(&self, request: &RequestContext, wish: AddHost) -> Result<Started, Failure> {
        let cluster = self.rooms.repository.find::<Cluster>(wish.cluster).await?;
        let cluster = cluster
            .ok_or_else(|| Failure::not_found(format!("there is no cluster {}", wish.cluster)))?;
        if !wish.hypervisor.as_str().eq_ignore_ascii_case(&cluster.hypervisor) {
            return Err(Failure::invalid(format!(
                "cluster {:?} is of hypervisor {}, the host is of {}",
                cluster.name, cluster.hypervisor, wish.hypervisor
            )));
        }
        let host = Host {
            uuid: Uuid::new_v4(),
            name: wish.name,
            state: HostState::Up,
            hypervisor: wish.hypervisor,
            zone: cluster.zone,
            pod: cluster.pod,
            cluster: cluster.uuid,
            address: wish.address,
            storage_address: wish.storage_address,
            initiator: wish.initiator,
            world_wide_port_names: wish.world_wide_port_names,
            warning: None,
        };
        let changes = vec![
            Change::expect_there(RecordKind::Cluster, cluster.uuid),
            Change::expect_name_free(&host, None),
            Change::insert(&host),
        ];
        let object = (RecordKind::Host, host.uuid);
        self.rooms
            .begin::<Flow>(request, object, With::default(), changes, &State { host: host.uuid })
            .await
    }
}

/// `host.add`: the providers are told, the pools connected.
pub(in crate::orchestration) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::orchestration) struct State {
    pub(in crate::orchestration) host: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "host.add";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("tell the providers", step_fn!(tell)).undone_by(step_fn!(take_back)),
        Step::outside("connect it to the pools", step_fn!(connect)).undone_by(step_fn!(disconnect)),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async { Ok(vec![Change::Forget(RecordKind::Host, state.host)]) })
    }
}

impl Flow {
    async fn tell(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut host = self.0.find_hypervisor_host(state.host).await?;
        let errors = self.0.tell_listeners(context, News::Added, &host).await;
        let said = errors.into_iter().map(|(provider, error)| format!("{provider:?}: {error}"));
        warn(&mut host, said.collect());
        Ok(vec![Change::update(&host)])
    }

    async fn take_back(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.tell_listeners(context, News::AboutToBeRemoved, &host).await;
        self.0.tell_listeners(context, News::Removed, &host).await;
        Ok(Vec::new())
    }

    async fn connect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut host = self.0.find_hypervisor_host(state.host).await?;
        let warnings = self.0.connect_to_pools(context, &host).await?;
        warn(&mut host, warnings);
        let told = format!("hypervisor host {:?} was added", host.name);
        let object = (RecordKind::Host, host.uuid);
        Ok(vec![Change::update(&host), context.event("HOST.ADD", object, told)])
    }

    async fn disconnect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let host = self.0.find_hypervisor_host(state.host).await?;
        self.0.disconnect_host(context, &host).await
    }
}
