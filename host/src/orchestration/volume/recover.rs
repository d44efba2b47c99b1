//! A destroyed volume comes back, while its bytes are still there.

use super::pool_of;
use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, Machine, RecordKind, VolumeEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// Begins to bring a destroyed volume back (`recoverVolume`).
    ///
    /// # Errors
    /// `Conflict` where it is not destroyed; where its bytes are gone, the operation fails with
    /// that.
    pub async fn recover(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let volume = self.rooms.find_volume(uuid).await?;
        // Asked here only: nothing changes before the step.
        volume.state.next(VolumeEvent::RecoverRequested)?;
        let object = (RecordKind::Volume, uuid);
        let state = State { volume: uuid };
        self.rooms.begin::<Flow>(request, object, With::default(), Vec::new(), &state).await
    }
}

/// `volume.recover`: the back end is asked, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.recover";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("look whether its bytes are there", step_fn!(recover))];
}

impl Flow {
    async fn recover(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::RecoverRequested)?;
        // An earlier attempt to expunge it may have come half-way.
        let pool = self.0.access(pool_of(&volume)?).await?;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if !shown.present {
            return Err(Failure::conflict(format!(
                "volume {:?} cannot be recovered: storage pool {:?} has its bytes no more; make one \
                 from a snapshot if there is any, and expunge this one",
                volume.name, pool.pool.name
            ))
            .into());
        }
        volume.destroyed_us = None;
        volume.note = None;
        let told = context.event(
            "VOLUME.RECOVER",
            (RecordKind::Volume, volume.uuid),
            format!("volume {:?} was recovered", volume.name),
        );
        Ok(vec![Change::update(&volume), told])
    }
}
