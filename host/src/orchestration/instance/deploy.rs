//! An instance comes to be, on a hypervisor host that is up.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Host, HostState, Instance, InstanceEvent, InstanceState, Machine, RecordKind, Stored,
    Zone,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::HypervisorType;
use uuid::Uuid;

/// What a new instance is to be.
#[derive(Debug, Clone, Default)]
pub struct DeployInstance {
    /// Its name; its uuid if none is given.
    pub name: Option<String>,
    /// The zone it is in.
    pub zone: Uuid,
    /// The hypervisor host it runs on; one of the zone that is up if none is given.
    pub host: Option<Uuid>,
    /// Its hypervisor; that of its host if none is given.
    pub hypervisor: Option<HypervisorType>,
    /// Whether it is to be stopped at first.
    pub stopped: bool,
}

impl super::Instances {
    /// Begins to deploy an instance (`deployVirtualMachine`).
    ///
    /// # Errors
    /// `NotFound` for a zone, `CapacityExceeded` where no hypervisor host is up.
    pub async fn deploy(
        &self,
        request: &RequestContext,
        wish: DeployInstance,
    ) -> Result<Started, Failure> {
        let zone = self.rooms.repository.find::<Zone>(wish.zone).await?;
        let zone =
            zone.ok_or_else(|| Failure::not_found(format!("there is no zone {}", wish.zone)))?;
        if !zone.enabled {
            return Err(Failure::conflict(format!("zone {:?} is disabled", zone.name)));
        }
        let host = match (wish.host, wish.stopped) {
            (None, true) => None,
            (host, _) => Some(self.rooms.place(&wish, host).await?),
        };
        let uuid = Uuid::new_v4();
        let instance = Instance {
            uuid,
            name: wish.name.unwrap_or_else(|| format!("VM-{uuid}")),
            state: if wish.stopped { InstanceState::Stopped } else { InstanceState::Starting },
            hypervisor: wish
                .hypervisor
                .or(host.as_ref().map(|host| host.hypervisor))
                .unwrap_or(HypervisorType::Kvm),
            zone: wish.zone,
            host: host.map(|host| host.uuid),
        };
        let mut changes = vec![Change::insert(&instance)];
        changes.extend(
            instance
                .host
                .map(|uuid| Change::expect(RecordKind::Host, uuid, HostState::Up.as_str())),
        );
        let object = (RecordKind::Instance, uuid);
        // The host is not removed before the instance runs there.
        let with = With { shared: instance.host.into_iter().collect(), ..With::default() };
        let state = State { instance: uuid };
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

impl Rooms {
    /// The hypervisor host that an instance runs on: the one that is asked for, or the one of the
    /// zone with the fewest instances.
    pub(super) async fn place(
        &self,
        wish: &DeployInstance,
        wanted: Option<Uuid>,
    ) -> Result<Stored<Host>, Failure> {
        let filter = Filter {
            zone: Some(wish.zone),
            states: vec![HostState::Up.as_str()],
            ..Filter::default()
        };
        let mut hosts = self.repository.list::<Host>(&filter).await?;
        hosts.retain(|host| {
            wanted.is_none_or(|wanted| wanted == host.uuid)
                && wish.hypervisor.is_none_or(|hypervisor| hypervisor == host.hypervisor)
        });
        let mut best = None;
        for host in hosts {
            let filter = Filter { owner: Some(host.uuid), ..Filter::default() };
            let instances = self.repository.list::<Instance>(&filter).await?.len();
            if best.as_ref().is_none_or(|(fewest, _)| instances < *fewest) {
                best = Some((instances, host));
            }
        }
        best.map(|(_, host)| host).ok_or_else(|| match wanted {
            Some(wanted) => Failure::conflict(format!(
                "hypervisor host {wanted} is not up, not in the zone, or of another hypervisor"
            )),
            None => Failure::no_room(
                "no hypervisor host of the zone is up; add one with addHost, or deploy the \
                 instance with startvm=false",
            ),
        })
    }
}

/// `vm.create`: an instance without volumes has nothing to wait for.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    instance: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vm.create";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::local("let it run", step_fn!(run))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async { Ok(vec![Change::Forget(RecordKind::Instance, state.instance)]) })
    }
}

impl Flow {
    async fn run(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        if instance.state == InstanceState::Starting {
            instance.state = instance.state.next(InstanceEvent::OperationSucceeded)?;
        }
        let told = format!("instance {:?} was deployed", instance.name);
        Ok(vec![
            Change::update(&instance),
            context.event("VM.CREATE", (RecordKind::Instance, instance.uuid), told),
        ])
    }
}
