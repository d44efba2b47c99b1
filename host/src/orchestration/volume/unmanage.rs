//! A volume is given out of care: its record goes, its bytes stay.
//!
//! **Invariant:** no plugin is asked to do anything; a record that is marked as released keeps
//! every clean-up away from the bytes, although their name bears this installation's id.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// Begins to release a volume (`unmanageVolume`).
    ///
    /// # Errors
    /// `InUse` while it is attached, or has snapshots; `Conflict` where it is not Ready.
    pub async fn unmanage(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let volume = self.rooms.find_volume(uuid).await?;
        super::expect_detached(&volume)?;
        self.rooms.expect_no_snapshots(&volume).await?;
        let changes = vec![
            Change::expect(RecordKind::Volume, uuid, VolumeState::Ready.as_str()),
            Change::ExpectUnused(uuid),
            // Nobody attached it, or took a snapshot of it, since it was read.
            Change::update(&volume),
        ];
        let object = (RecordKind::Volume, uuid);
        let state = State { volume: uuid };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

/// `volume.unmanage`: the record goes.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.unmanage";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::local("release it", step_fn!(release))];
}

impl Flow {
    async fn release(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.released = true;
        let mut changes = vec![Change::update(&volume), Change::remove(&volume.record)];
        changes.extend(self.0.without_policies(volume.uuid).await?);
        changes.extend(volume.pool.map(|store| Change::Unreserve { store, owner: volume.uuid }));
        changes.push(context.event(
            "VOLUME.UNMANAGE",
            (RecordKind::Volume, volume.uuid),
            format!("volume {:?} was released; its bytes stay at {:?}", volume.name, volume.path),
        ));
        Ok(changes)
    }
}
