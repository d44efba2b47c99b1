//! An instance starts: its hypervisor host is let in to all of its volumes.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Host, HostState, InstanceEvent, Machine, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::orchestration::volume::pool_of;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

use super::deploy::DeployInstance;

impl super::Instances {
    /// Begins to start an instance (`startVirtualMachine`), on the given hypervisor host, the one
    /// it ran on last, or another one that is up.
    ///
    /// # Errors
    /// `Conflict` where it is not Stopped, or its volumes cannot be reached from there.
    pub async fn start(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        host: Option<Uuid>,
    ) -> Result<Started, Failure> {
        // Before its volumes, so that its version tells whether one came or went meanwhile.
        let mut instance = self.rooms.find_instance(uuid).await?;
        instance.state = instance.state.next(InstanceEvent::StartRequested)?;
        let wish = DeployInstance {
            zone: instance.zone,
            hypervisor: Some(instance.hypervisor),
            ..DeployInstance::default()
        };
        let last = match instance.host {
            Some(last) => self.rooms.repository.find::<Host>(last).await?,
            None => None,
        };
        let last = last.filter(|last| last.state == HostState::Up).map(|last| last.uuid);
        let host = self.rooms.place(&wish, host.or(last)).await?;
        let (volumes, mut changes) = self.volumes_of(uuid).await?;
        for volume in &volumes {
            let volume = self.rooms.find_volume(*volume).await?;
            self.rooms.expect_in_reach(&volume, host.uuid).await?;
            changes.push(expect_in_use(pool_of(&volume)?));
        }
        instance.host = Some(host.uuid);
        changes
            .extend([Change::expect(RecordKind::Host, host.uuid, "Up"), Change::update(&instance)]);
        let object = (RecordKind::Instance, uuid);
        // The host is not removed before it is let in.
        let with = With { exclusive: volumes, shared: vec![host.uuid] };
        let state = State { instance: uuid, host: host.uuid };
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `vm.start`: access is granted, volume by volume, then the record says that it runs.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    instance: Uuid,
    host: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vm.start";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("grant access", step_fn!(grant)).undone_by(step_fn!(revoke))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay_stopped(state))
    }
}

impl Flow {
    async fn grant(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        let mut changes = Vec::new();
        for mut attachment in self.0.attachments_of(state.instance).await? {
            self.0.grant(context, &mut attachment, state.host).await?;
            changes.push(Change::update(&attachment));
        }
        instance.state = instance.state.next(InstanceEvent::OperationSucceeded)?;
        self.0.tell_of_all_volumes(context, instance.uuid, Some(&instance)).await?;
        let told = format!("instance {:?} runs on host {}", instance.name, state.host);
        changes.extend([
            Change::update(&instance),
            context.event("VM.START", (RecordKind::Instance, instance.uuid), told),
        ]);
        Ok(changes)
    }

    async fn revoke(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let changes = self.0.revoke_all(context, state.instance, Some(state.host)).await?;
        let mut instance = self.0.find_instance(state.instance).await?;
        instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        self.0.tell_of_all_volumes(context, instance.uuid, Some(&instance)).await?;
        Ok(changes)
    }

    async fn stay_stopped(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        Ok(vec![Change::update(&instance)])
    }
}
