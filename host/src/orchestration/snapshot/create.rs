//! A snapshot of a volume is taken, by the storage itself.

use super::advance;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, RecordKind, Snapshot, SnapshotEvent, SnapshotState, VolumeEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::orchestration::volume::{advance as advance_volume, pool_of};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{Details, TakeSnapshotRequest};
use uuid::Uuid;

impl super::Snapshots {
    /// Begins to take a snapshot of a volume (`createSnapshot`). Its record is there when this
    /// returns, in state Creating.
    ///
    /// # Errors
    /// `Unsupported` where the pool's driver takes none, `CapacityExceeded` where the volume has
    /// as many as it may, `Conflict` where the volume is not Ready.
    pub async fn create(
        &self,
        request: &RequestContext,
        volume: Uuid,
        name: Option<String>,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        // Before its snapshots, so that its version tells whether another one was taken meanwhile.
        let mut volume = rooms.find_volume(volume).await?;
        let as_it_is = volume.record.clone();
        let access = rooms.access(pool_of(&volume)?).await?;
        let call = storage_plugin_api::CallContext::new(volume.uuid);
        let capabilities = access.capabilities(&call).await?;
        if !capabilities.storage_system_snapshot {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} takes no snapshots",
                access.pool.provider, access.pool.name
            )));
        }
        let mut others = rooms.snapshots_of(volume.uuid).await?;
        others.retain(|other| other.pool == access.pool.uuid);
        let limit = capabilities.limits.snapshots_per_volume;
        if let Some(limit) = limit.filter(|limit| others.len() >= *limit as usize) {
            return Err(Failure::no_room(format!(
                "volume {:?} has {} snapshots, and storage pool {:?} keeps {limit} of a volume at \
                 most; delete one first",
                volume.name,
                others.len(),
                access.pool.name
            )));
        }
        let is_there =
            |other: &&crate::model::Stored<Snapshot>| other.state == SnapshotState::BackedUp;
        let parent = others.iter().rfind(is_there).map(|parent| parent.uuid);
        let uuid = Uuid::new_v4();
        advance_volume(&mut volume, &[VolumeEvent::SnapshotRequested])?;
        let mut snapshot = Snapshot {
            uuid,
            name: name.unwrap_or_else(|| format!("{}_{uuid}", volume.name)),
            state: SnapshotState::Allocated,
            note: None,
            volume: as_it_is,
            volume_id: volume.id,
            pool: access.pool.uuid,
            parent,
            path: String::new(),
            physical_size_bytes: None,
            details: Details::new(),
            snapshot_type: "MANUAL".to_owned(),
        };
        advance(&mut snapshot, &[SnapshotEvent::CreateRequested])?;
        let mut changes =
            vec![expect_in_use(snapshot.pool), Change::update(&volume), Change::insert(&snapshot)];
        // A parent that goes at this moment would not know of its new child.
        changes.extend(parent.map(|parent| Change::Expect {
            kind: RecordKind::Snapshot,
            uuid: parent,
            states: vec![SnapshotState::BackedUp.as_str()],
        }));
        let with = With { exclusive: vec![volume.uuid], ..With::default() };
        let state = State { snapshot: uuid, volume: volume.uuid };
        rooms.begin::<Flow>(request, (RecordKind::Snapshot, uuid), with, changes, &state).await
    }
}

/// `snapshot.create`: the driver takes it, then its record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    snapshot: Uuid,
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshot.create";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("take it on the pool", step_fn!(take)).undone_by(step_fn!(drop_it))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn take(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut volume = self.0.find_volume(state.volume).await?;
        let pool = self.0.access(snapshot.pool).await?;
        let ask = TakeSnapshotRequest::new(self.0.snapshot_info(&snapshot).await?);
        let call = context.call();
        let taken = pool.driver.take_snapshot(&call, &pool.context, ask);
        let taken = pool.guarded(&call, taken).await?;
        snapshot.path = taken.path;
        snapshot.details = taken.details;
        let shown = pool.describe(context, self.0.snapshot_info(&snapshot).await?).await?;
        if !shown.present {
            return Err(pool.contradiction("took the snapshot", "is not there"));
        }
        snapshot.physical_size_bytes = shown.physical_size_bytes.or(taken.physical_size_bytes);
        advance(&mut snapshot, &[SnapshotEvent::OperationNotPerformed])?;
        advance_volume(&mut volume, &[VolumeEvent::OperationSucceeded])?;
        let told = format!("snapshot {:?} of volume {:?} was taken", snapshot.name, volume.name);
        Ok(vec![
            Change::update(&snapshot),
            Change::update(&volume),
            context.event("SNAPSHOT.CREATE", (RecordKind::Snapshot, snapshot.uuid), told),
        ])
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        let pool = self.0.access(snapshot.pool).await?;
        pool.delete(context, self.0.snapshot_info(&snapshot).await?).await?;
        Ok(Vec::new())
    }

    /// The record stays, removed, as proof that the object may not exist.
    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut volume = self.0.find_volume(state.volume).await?;
        advance(&mut snapshot, &[SnapshotEvent::OperationFailed])?;
        advance_volume(&mut volume, &[VolumeEvent::OperationFailed])?;
        Ok(vec![
            Change::update(&snapshot),
            Change::remove(&snapshot.record),
            Change::update(&volume),
        ])
    }
}
