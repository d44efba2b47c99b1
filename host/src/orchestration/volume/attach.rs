//! A volume is attached to an instance.
//!
//! **Invariant:** a device of an instance has one volume. An instance that does not run has its
//! volumes without any access: its hypervisor host is let in when it starts.

use super::pool_of;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Attachment, Failure, Instance, InstanceState, Machine, RecordKind, VolumeEvent,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// Begins to attach a volume to an instance (`attachVolume`), as the given device or the first
    /// free one.
    ///
    /// # Errors
    /// `InUse` where the volume or the device is taken, `Conflict` in other states than Ready and
    /// Running or Stopped, or for a pool that the instance's host does not reach.
    pub async fn attach(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        instance: Uuid,
        device: Option<u32>,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        // Before the attachments, so that its version tells whether another one came between.
        let instance = rooms.find_instance(instance).await?;
        let mut volume = rooms.find_volume(uuid).await?;
        super::expect_detached(&volume)?;
        if volume.zone != instance.zone {
            return Err(Failure::invalid(format!(
                "volume {:?} and instance {:?} are not in the same zone; attach one of its own zone, or \
                 make one there from a snapshot",
                volume.name, instance.name
            )));
        }
        let host = may_attach(&instance)?;
        if let Some(host) = host {
            rooms.expect_in_reach(&volume, host).await?;
        }
        let taken: Vec<u32> = rooms
            .attachments_of(instance.uuid)
            .await?
            .iter()
            .map(|attachment| attachment.device_id)
            .collect();
        let device_id = free_device(device, &taken)?;
        let attachment = Attachment {
            uuid: Uuid::new_v4(),
            volume: uuid,
            instance: instance.uuid,
            host: None,
            device_id,
            connection: None,
        };
        volume.state = volume.state.next(VolumeEvent::AttachRequested)?;
        volume.instance = Some(instance.uuid);
        volume.device_id = Some(device_id);
        let changes = vec![
            expect_in_use(pool_of(&volume)?),
            // Whoever makes a clone of the volume reads it as it is now.
            Change::ExpectUnused(uuid),
            Change::update(&volume),
            Change::update(&instance),
            Change::insert(&attachment),
        ];
        // Nor is the hypervisor host removed before it is let in.
        let shared = host.into_iter().collect();
        let with = With { exclusive: vec![instance.uuid], shared };
        let state = State { volume: uuid, attachment: attachment.uuid, host };
        rooms.begin::<Flow>(request, (RecordKind::Volume, uuid), with, changes, &state).await
    }
}

/// The hypervisor host that has to be let in, if the instance runs.
pub(super) fn may_attach(instance: &Instance) -> Result<Option<Uuid>, Failure> {
    match instance.state {
        InstanceState::Running => Ok(instance.host),
        InstanceState::Stopped => Ok(None),
        state => Err(Failure::conflict(format!(
            "instance {:?} is in state {state}; it has to be Running or Stopped",
            instance.name
        ))),
    }
}

/// The device that is asked for, or the first free one. Device 0 is that of a root disk.
fn free_device(wished: Option<u32>, taken: &[u32]) -> Result<u32, Failure> {
    match wished {
        Some(wished) if taken.contains(&wished) => Err(Failure::in_use(format!(
            "device {wished} of the instance has a volume already; leave deviceid away to get the \
             first free one"
        ))),
        Some(wished) => Ok(wished),
        None => Ok((1..=u32::MAX).find(|device| !taken.contains(device)).unwrap_or(u32::MAX)),
    }
}

/// `volume.attach`: the hypervisor host is let in, then the record says how it gets there.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    attachment: Uuid,
    host: Option<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.attach";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("grant access", step_fn!(grant)).undone_by(step_fn!(revoke))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn grant(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let mut attachment = self.0.find_attachment(state.attachment).await?;
        if let Some(host) = state.host {
            self.0.grant(context, &mut attachment, host).await?;
        }
        let instance = self.0.find_instance(attachment.instance).await?;
        self.0.tell_of_instance(context, &volume, Some(&instance)).await;
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let told = format!(
            "volume {:?} is device {} of instance {}",
            volume.name, attachment.device_id, attachment.instance
        );
        Ok(vec![
            Change::update(&attachment),
            Change::update(&volume),
            context.event("VOLUME.ATTACH", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    async fn revoke(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        if let Some(host) = state.host {
            self.0.revoke(context, &volume, host).await?;
        }
        self.0.tell_of_instance(context, &volume, None).await;
        Ok(Vec::new())
    }

    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.instance = None;
        volume.device_id = None;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        Ok(vec![Change::update(&volume), Change::Forget(RecordKind::Attachment, state.attachment)])
    }
}

impl Rooms {
    /// An instance that was not expunged.
    pub(in crate::orchestration) async fn find_instance(
        &self,
        uuid: Uuid,
    ) -> Result<crate::model::Stored<Instance>, Failure> {
        let found = self.repository.find::<Instance>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no instance {uuid}")))
    }

    /// An attachment.
    pub(super) async fn find_attachment(
        &self,
        uuid: Uuid,
    ) -> Result<crate::model::Stored<Attachment>, Failure> {
        let found = self.repository.find::<Attachment>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no attachment {uuid}")))
    }
}
