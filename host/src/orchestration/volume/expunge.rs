//! A volume goes: its bytes are removed, its record stays as proof.

use super::expect_detached;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, Stored, Volume, VolumeEvent, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, now_us};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// Begins to remove a volume for good (`deleteVolume`, `expungeVolume`).
    ///
    /// # Errors
    /// `InUse` while it is attached, or snapshots of it need it; `Conflict` in a state that does
    /// not allow it.
    pub async fn expunge(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let volume = self.rooms.find_volume(uuid).await?;
        self.expunge_as_read(request, volume).await
    }

    /// Begins to remove a volume for good, unless its record changed since it was read.
    pub(super) async fn expunge_as_read(
        &self,
        request: &RequestContext,
        mut volume: Stored<Volume>,
    ) -> Result<Started, Failure> {
        let uuid = volume.uuid;
        expect_detached(&volume)?;
        if let Some(pool) = volume.pool {
            let access = self.rooms.access(pool).await?;
            let call = storage_plugin_api::CallContext::new(uuid);
            if !access.capabilities(&call).await?.snapshots_outlive_volume {
                self.rooms.expect_no_snapshots(&volume).await?;
            }
        }
        if volume.state != VolumeState::Destroy {
            volume.state = volume.state.next(VolumeEvent::DestroyRequested)?;
            volume.destroyed_us = Some(now_us());
        }
        volume.state = volume.state.next(VolumeEvent::ExpungingRequested)?;
        volume.note = None;
        let changes = vec![Change::ExpectUnused(uuid), Change::update(&volume)];
        let object = (RecordKind::Volume, uuid);
        self.rooms
            .begin::<Flow>(
                request,
                object,
                With::default(),
                changes,
                &State { volume: uuid, gone: false },
            )
            .await
    }
}

/// `volume.expunge`: the driver removes the bytes, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    /// The way back found that its bytes are gone.
    #[serde(default)]
    gone: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.expunge";
    const VERSION: u32 = 2;
    // Bytes that are gone cannot come back: the way back looks whether they are, and where a
    // driver refused (a clone needs them) the volume stays destroyed.
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the pool", step_fn!(remove)).undone_by(step_fn!(look))];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay_destroyed(context, state))
    }
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        if let Some(store) = volume.pool {
            let pool = self.0.access(store).await?;
            pool.delete(context, volume.as_seen_by_plugins(volume.id)).await?;
        }
        self.removed(context, volume).await
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        state.gone = match volume.pool {
            None => true,
            Some(store) => {
                let pool = self.0.access(store).await?;
                !pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?.present
            }
        };
        Ok(Vec::new())
    }

    async fn stay_destroyed(
        &self,
        context: &StepContext,
        state: &State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        if state.gone {
            return self.removed(context, volume).await;
        }
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        volume.note = context.failure().map(|failure| format!("it cannot be expunged: {failure}"));
        Ok(vec![Change::update(&volume)])
    }

    /// The record of a volume whose bytes are gone stays, removed, as proof. Its policies go.
    async fn removed(
        &self,
        context: &StepContext,
        mut volume: Stored<Volume>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = self.0.without_policies(volume.uuid).await?;
        if let Some(store) = volume.pool {
            changes.push(Change::Unreserve { store, owner: volume.uuid });
        }
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        changes.extend([
            Change::update(&volume),
            Change::remove(&volume.record),
            context.event(
                "VOLUME.EXPUNGE",
                (RecordKind::Volume, volume.uuid),
                format!("volume {:?} was removed", volume.name),
            ),
        ]);
        Ok(changes)
    }
}
