//! An instance stops: its hypervisor host is shut out of all of its volumes.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, InstanceEvent, Machine, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Instances {
    /// Begins to stop an instance (`stopVirtualMachine`). Its volumes stay attached.
    ///
    /// # Errors
    /// `Conflict` where it is not Running; `InUse` while something happens to one of its volumes.
    pub async fn stop(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let mut instance = self.rooms.find_instance(uuid).await?;
        instance.state = instance.state.next(InstanceEvent::StopRequested)?;
        let (volumes, _) = self.volumes_of(uuid).await?;
        let object = (RecordKind::Instance, uuid);
        let with = With { exclusive: volumes, ..With::default() };
        let changes = vec![Change::update(&instance)];
        let state = State { instance: uuid, host: instance.host };
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `vm.stop`: access is taken away, volume by volume, then the record says that it is stopped.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    instance: Uuid,
    host: Option<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vm.stop";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("revoke access", step_fn!(revoke)).undone_by(step_fn!(grant_again))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay_running(state))
    }
}

impl Flow {
    async fn revoke(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        let mut changes = self.0.revoke_all(context, state.instance, state.host).await?;
        instance.state = instance.state.next(InstanceEvent::OperationSucceeded)?;
        self.0.tell_of_all_volumes(context, instance.uuid, Some(&instance)).await?;
        let told = format!("instance {:?} was stopped", instance.name);
        changes.extend([
            Change::update(&instance),
            context.event("VM.STOP", (RecordKind::Instance, instance.uuid), told),
        ]);
        Ok(changes)
    }

    async fn grant_again(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let changes = self.0.grant_all_again(context, state.instance, state.host).await?;
        let mut instance = self.0.find_instance(state.instance).await?;
        instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        self.0.tell_of_all_volumes(context, instance.uuid, Some(&instance)).await?;
        Ok(changes)
    }

    async fn stay_running(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        Ok(vec![Change::update(&instance)])
    }
}

impl Rooms {
    /// Shuts a hypervisor host out of every volume of an instance: the attachments as they are
    /// then. Whoever else an attachment names is shut out as well.
    pub(super) async fn revoke_all(
        &self,
        context: &StepContext,
        instance: Uuid,
        host: Option<Uuid>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for mut attachment in self.attachments_of(instance).await? {
            let volume = self.find_volume(attachment.volume).await?;
            let other = attachment.host.filter(|other| Some(*other) != host);
            for host in host.into_iter().chain(other) {
                self.revoke(context, &volume, host).await?;
            }
            attachment.host = None;
            attachment.connection = None;
            changes.push(Change::update(&attachment));
        }
        Ok(changes)
    }

    /// Lets the hypervisor host of an instance that goes on running in to its volumes again.
    pub(super) async fn grant_all_again(
        &self,
        context: &StepContext,
        instance: Uuid,
        host: Option<Uuid>,
    ) -> Result<Vec<Change>, StepError> {
        let Some(host) = host else {
            return Ok(Vec::new());
        };
        let mut changes = Vec::new();
        for mut attachment in self.attachments_of(instance).await? {
            self.grant_again(context, &mut attachment, host).await?;
            changes.push(Change::update(&attachment));
        }
        Ok(changes)
    }
}
