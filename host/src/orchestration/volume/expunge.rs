//! A volume goes: its bytes are removed, its record stays as proof.

use super::advance;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, RecordKind, Stored, Volume, VolumeEvent, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With, event, now_us};
use crate::store::Change;
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
        let mut volume = self.rooms.find_volume(uuid).await?;
        if let Some(instance) = volume.instance {
            return Err(Failure::in_use(format!(
                "volume {:?} is attached to instance {instance}; detach it first",
                volume.name
            )));
        }
        let mut changes = Vec::new();
        if let Some(pool) = volume.pool {
            let mut access = self.rooms.access(pool).await?;
            let call = storage_plugin_api::CallContext::new(uuid);
            if !access.capabilities(&call).await?.snapshots_outlive_volume {
                changes.push(Change::ExpectNone { kind: RecordKind::Snapshot, owner: uuid });
            }
        }
        if volume.state != VolumeState::Destroy {
            advance(&mut volume, &[VolumeEvent::DestroyRequested])?;
            volume.destroyed_us = Some(now_us());
        }
        advance(&mut volume, &[VolumeEvent::ExpungingRequested])?;
        changes.extend([Change::ExpectUnused(uuid), Change::update(&volume)]);
        let object = (RecordKind::Volume, uuid);
        self.rooms
            .begin::<Flow>(request, object, With::default(), changes, &State { volume: uuid })
            .await
    }
}

/// `volume.expunge`: the driver removes the bytes, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.expunge";
    const VERSION: u32 = 1;
    // Bytes that are gone cannot come back, so a driver that refuses (a clone needs them) refuses
    // before it removes any; then the volume stays destroyed.
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the pool", step_fn!(remove))];

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
        gone(context, volume)
    }

    /// The volume goes back to where it was; unless its bytes are gone, which only a look tells.
    async fn stay_destroyed(
        &self,
        context: &StepContext,
        state: &State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let is_there = match volume.pool {
            Some(store) => {
                let pool = self.0.access(store).await?;
                pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?.present
            }
            None => false,
        };
        if !is_there {
            return gone(context, volume);
        }
        advance(&mut volume, &[VolumeEvent::OperationFailed])?;
        Ok(vec![Change::update(&volume)])
    }
}

/// Nothing is left of a volume: its record says so, and its promise ends.
fn gone(context: &StepContext, mut volume: Stored<Volume>) -> Result<Vec<Change>, StepError> {
    advance(&mut volume, &[VolumeEvent::OperationSucceeded])?;
    let mut changes = vec![
        Change::update(&volume),
        Change::remove(&volume.record),
        event(
            "VOLUME.EXPUNGE",
            (RecordKind::Volume, volume.uuid),
            context.operation(),
            context.account(),
            format!("volume {:?} was removed", volume.name),
        ),
    ];
    changes.extend(volume.pool.map(|store| Change::Unreserve { store, owner: volume.uuid }));
    Ok(changes)
}
