//! A volume goes back to a snapshot, in place.
//!
//! **Invariant:** no instance runs with the volume meanwhile. Bytes that were overwritten do not
//! come back: a revert that failed leaves a note on the volume.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, SnapshotState, VolumeEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::orchestration::volume::pool_of;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Snapshots {
    /// Begins to put a volume back to a snapshot (`revertSnapshot`).
    ///
    /// # Errors
    /// `InUse` while the volume's instance runs; `Unsupported` where the driver cannot, or the
    /// volume moved to another pool; `Conflict` where volume or snapshot are not there, and for a
    /// member of an instance snapshot.
    pub async fn revert(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let snapshot = rooms.find_snapshot(uuid).await?;
        rooms.expect_on_its_own(&snapshot, "reverted to", "revertToVMSnapshot").await?;
        if !snapshot.on_primary {
            return Err(Failure::unsupported(format!(
                "snapshot {:?} was archived: it is on an image store, and its pool has nothing to \
                 put back; make a volume of it instead",
                snapshot.name
            )));
        }
        let mut volume = rooms.find_volume(snapshot.volume.uuid).await?;
        if pool_of(&volume)? != snapshot.pool {
            return Err(Failure::unsupported(format!(
                "volume {:?} moved to another storage pool after snapshot {:?} was taken; make a \
                 volume from the snapshot instead",
                volume.name, snapshot.name
            )));
        }
        let access = rooms.access(snapshot.pool).await?;
        let call = storage_plugin_api::CallContext::new(uuid);
        if !access.capabilities(&call).await?.can_revert_volume_to_snapshot {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot put a volume back; make a volume from \
                 the snapshot instead",
                access.pool.provider, access.pool.name
            )));
        }
        let stopped = rooms.expect_stopped(&volume, "stop it first").await?;
        let before = volume.size_bytes;
        let after = snapshot.volume.size_bytes;
        volume.state = volume.state.next(VolumeEvent::RevertSnapshotRequested)?;
        let mut changes = vec![
            expect_in_use(snapshot.pool),
            Change::expect(RecordKind::Snapshot, uuid, SnapshotState::BackedUp.as_str()),
            Change::ExpectUnused(volume.uuid),
            Change::update(&volume),
            Change::Reserve { store: snapshot.pool, owner: volume.uuid, bytes: before.max(after) },
        ];
        changes.extend(stopped);
        let with = With { exclusive: vec![volume.uuid], ..With::default() };
        let state = State { snapshot: uuid, volume: volume.uuid, before, after };
        rooms.begin::<Flow>(request, (RecordKind::Snapshot, uuid), with, changes, &state).await
    }
}

/// `snapshot.revert`: the driver puts the volume back, then its record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    snapshot: Uuid,
    volume: Uuid,
    before: u64,
    after: u64,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshot.revert";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("put the volume back", step_fn!(revert)).undone_by(step_fn!(find_out))];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.rest(context, state))
    }
}

impl Flow {
    async fn revert(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut volume = self.0.find_volume(state.volume).await?;
        self.0.revert_on_pool(context, &snapshot, &mut volume).await?;
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let told = format!("volume {:?} is as snapshot {:?} was", volume.name, snapshot.name);
        Ok(vec![
            Change::Reserve { store: snapshot.pool, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            context.event("SNAPSHOT.REVERT", (RecordKind::Snapshot, snapshot.uuid), told),
        ])
    }

    /// The driver may have done its work although it failed: the record says what is there.
    async fn find_out(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let store = pool_of(&volume)?;
        let pool = self.0.access(store).await?;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if shown.present {
            volume.size_bytes = shown.size_bytes;
            volume.physical_size_bytes = shown.physical_size_bytes;
        }
        // Never more than was reserved at the start: the way back must not fail for want of room.
        let bytes = volume.size_bytes.min(state.before.max(state.after));
        volume.note = context.failure().map(|failure| {
            format!(
                "to put it back to snapshot {} failed, so its bytes may be those of before or of \
                 the snapshot: {failure}",
                state.snapshot
            )
        });
        Ok(vec![Change::Reserve { store, owner: volume.uuid, bytes }, Change::update(&volume)])
    }

    async fn rest(&self, _: &StepContext, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        Ok(vec![Change::update(&volume)])
    }
}
