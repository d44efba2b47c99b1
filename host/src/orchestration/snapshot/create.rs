//! A snapshot of a volume is taken, by the storage itself.

use super::advance;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, RecordKind, SnapshotEvent, VolumeEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::volume::{advance as advance_volume, pool_of};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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
        let access = rooms.access(pool_of(&volume)?).await?;
        let call = storage_plugin_api::CallContext::new(volume.uuid);
        let capabilities = access.capabilities(&call).await?;
        if !capabilities.storage_system_snapshot {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} takes no snapshots",
                access.pool.provider, access.pool.name
            )));
        }
        let limits = &capabilities.limits;
        let (mut snapshot, mut changes) =
            rooms.plan_snapshot(&access, &volume, limits, name).await?;
        advance_volume(&mut volume, &[VolumeEvent::SnapshotRequested])?;
        advance(&mut snapshot, &[SnapshotEvent::CreateRequested])?;
        changes.extend([Change::update(&volume), Change::insert(&snapshot)]);
        let uuid = snapshot.uuid;
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
        self.0.take_on_pool(context, &mut snapshot).await?;
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
        self.0.delete_on_pool(context, &snapshot).await?;
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
