//! An instance goes: it is stopped, its volumes are detached and stay, its record says so.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Instance, InstanceEvent, InstanceState, Machine, RecordKind, Stored};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Instances {
    /// Begins to destroy an instance (`destroyVirtualMachine`), or to forget one that was
    /// destroyed (`expunge`). Its volumes are detached.
    ///
    /// # Errors
    /// `Conflict` in a state that does not allow it; `InUse` while something happens to one of its
    /// volumes, and while it has instance snapshots: those are of an instance with its volumes.
    pub async fn destroy(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        expunge: bool,
    ) -> Result<Started, Failure> {
        let mut instance = self.rooms.find_instance(uuid).await?;
        let running = instance.state == InstanceState::Running;
        if running {
            instance.state = instance.state.next(InstanceEvent::StopRequested)?;
        } else if instance.state != InstanceState::Destroyed || !expunge {
            // Asked here only: nothing changes before the last step.
            instance.state.next(InstanceEvent::DestroyRequested)?;
        }
        let none = self.rooms.expect_no_vm_snapshots(uuid, &instance.name).await?;
        let (volumes, _) = self.volumes_of(uuid).await?;
        let object = (RecordKind::Instance, uuid);
        let with = With { exclusive: volumes, ..With::default() };
        let host = instance.host.filter(|_| running);
        let state = State { instance: uuid, running, host, expunge };
        self.rooms
            .begin::<Flow>(request, object, with, vec![none, Change::update(&instance)], &state)
            .await
    }
}

/// `vm.destroy`: access is taken away, then volumes and instance part.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    instance: Uuid,
    running: bool,
    host: Option<Uuid>,
    expunge: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vm.destroy";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("revoke access", step_fn!(revoke)).undone_by(step_fn!(grant_again)),
        Step::local("detach its volumes", step_fn!(part)),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay(state))
    }
}

impl Flow {
    async fn revoke(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let changes = self.0.revoke_all(context, state.instance, state.host).await?;
        self.0.tell_of_all_volumes(context, state.instance, None).await?;
        Ok(changes)
    }

    async fn grant_again(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let changes = self.0.grant_all_again(context, state.instance, state.host).await?;
        let mut instance = self.0.find_instance(state.instance).await?;
        if state.running {
            instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        }
        self.0.tell_of_all_volumes(context, state.instance, Some(&instance)).await?;
        Ok(changes)
    }

    async fn part(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        let mut changes = Vec::new();
        for attachment in self.0.attachments_of(state.instance).await? {
            let mut volume = self.0.find_volume(attachment.volume).await?;
            volume.instance = None;
            volume.device_id = None;
            changes.push(Change::update(&volume));
            changes.push(Change::Forget(RecordKind::Attachment, attachment.uuid));
        }
        self.gone(&mut instance, state)?;
        let told = format!("instance {:?} was destroyed", instance.name);
        changes.push(Change::update(&instance));
        if state.expunge {
            changes.push(Change::remove(&instance.record));
        }
        changes.push(context.event(
            if state.expunge { "VM.EXPUNGE" } else { "VM.DESTROY" },
            (RecordKind::Instance, instance.uuid),
            told,
        ));
        Ok(changes)
    }

    fn gone(&self, instance: &mut Stored<Instance>, state: &State) -> Result<(), Failure> {
        use InstanceEvent::{DestroyRequested, ExpungeRequested, OperationSucceeded};
        if state.running {
            instance.state = instance.state.next(OperationSucceeded)?;
        }
        if instance.state == InstanceState::Stopped {
            instance.state = instance.state.next(DestroyRequested)?;
        }
        if state.expunge {
            instance.state = instance.state.next(ExpungeRequested)?;
        }
        Ok(())
    }

    async fn stay(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut instance = self.0.find_instance(state.instance).await?;
        if state.running {
            instance.state = instance.state.next(InstanceEvent::OperationFailed)?;
        }
        Ok(vec![Change::update(&instance)])
    }
}
