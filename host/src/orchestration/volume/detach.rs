//! A volume is detached from its instance.
//!
//! **Invariant:** the attachment is forgotten only after its hypervisor host was shut out; with it
//! go the secrets by which the volume was reached.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, VolumeEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// The volume that is a device of an instance.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find_device(&self, instance: Uuid, device: u32) -> Result<Uuid, Failure> {
        let attachments = self.rooms.attachments_of(instance).await?;
        let found = attachments.iter().find(|attachment| attachment.device_id == device);
        found.map(|attachment| attachment.volume).ok_or_else(|| {
            Failure::not_found(format!("instance {instance} has no volume as device {device}"))
        })
    }

    /// Begins to detach a volume (`detachVolume`).
    ///
    /// # Errors
    /// `Conflict` where it is not attached, or not Ready.
    pub async fn detach(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let mut volume = rooms.find_volume(uuid).await?;
        let not_attached = || {
            Failure::conflict(format!("volume {:?} is not attached to any instance", volume.name))
        };
        let instance = rooms.find_instance(volume.instance.ok_or_else(not_attached)?).await?;
        let attachment = rooms.attachment_of(uuid).await?.ok_or_else(not_attached)?;
        super::attach::may_attach(&instance)?;
        volume.state = volume.state.next(VolumeEvent::AttachRequested)?;
        let changes = vec![Change::update(&volume), Change::update(&instance)];
        let with = With { exclusive: vec![instance.uuid], ..With::default() };
        let state = State { volume: uuid, attachment: attachment.uuid, host: attachment.host };
        rooms.begin::<Flow>(request, (RecordKind::Volume, uuid), with, changes, &state).await
    }
}

/// `volume.detach`: the hypervisor host is shut out, then the attachment is forgotten.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    attachment: Uuid,
    host: Option<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.detach";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("revoke access", step_fn!(revoke)).undone_by(step_fn!(grant_again))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay_attached(state))
    }
}

impl Flow {
    async fn revoke(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        if let Some(host) = state.host {
            self.0.revoke(context, &volume, host).await?;
        }
        self.0.tell_of_instance(context, &volume, None).await;
        let instance = volume.instance.take();
        volume.device_id = None;
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let told = format!(
            "volume {:?} was detached from instance {}",
            volume.name,
            instance.unwrap_or_default()
        );
        Ok(vec![
            Change::update(&volume),
            Change::Forget(RecordKind::Attachment, state.attachment),
            context.event("VOLUME.DETACH", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    async fn grant_again(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut attachment = self.0.find_attachment(state.attachment).await?;
        if let Some(host) = state.host {
            self.0.grant_again(context, &mut attachment, host).await?;
        }
        let volume = self.0.find_volume(state.volume).await?;
        let instance = self.0.find_instance(attachment.instance).await?;
        self.0.tell_of_instance(context, &volume, Some(&instance)).await;
        Ok(vec![Change::update(&attachment)])
    }

    async fn stay_attached(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        Ok(vec![Change::update(&volume)])
    }
}
