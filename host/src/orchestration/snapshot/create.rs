//! A snapshot of a volume is taken, by the storage itself.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, PolicyRun, RecordKind, Snapshot, SnapshotEvent, SnapshotPolicy,
    SnapshotState, VolumeEvent, compact_time,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::volume::pool_of;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::PluginErrorKind;
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
        self.create_in(request, volume, name, None, Vec::new()).await
    }

    /// Begins to take the snapshot of a moment that a policy names, together with a change that
    /// says so.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub(in crate::orchestration) async fn create_for(
        &self,
        request: &RequestContext,
        policy: &SnapshotPolicy,
        run: PolicyRun,
        moves_on: Change,
    ) -> Result<Started, Failure> {
        let volume = self.rooms.find_volume(policy.volume).await?;
        let interval = policy.schedule.interval.as_str();
        let name =
            format!("{}_{}_{}", volume.name, interval.to_lowercase(), compact_time(run.due_us));
        let of = Some((interval, run));
        self.create_in(request, volume.uuid, Some(name), of, vec![moves_on]).await
    }

    async fn create_in(
        &self,
        request: &RequestContext,
        volume: Uuid,
        name: Option<String>,
        of: Option<(&str, PolicyRun)>,
        more: Vec<Change>,
    ) -> Result<Started, Failure> {
        loop {
            let (planned, plan) = self.plan(volume, name.clone(), of, more.clone()).await?;
            let parent = planned.parent;
            match self.begin_planned(request, planned, plan).await {
                // Its parent began to be copied, or to go, since it was picked: another one is.
                Err(failure)
                    if failure.kind == PluginErrorKind::Conflict
                        && self.has_left(parent).await? => {}
                begun => return begun,
            }
        }
    }

    async fn begin_planned(
        &self,
        request: &RequestContext,
        snapshot: Snapshot,
        changes: Vec<Change>,
    ) -> Result<Started, Failure> {
        let (uuid, volume) = (snapshot.uuid, snapshot.volume.uuid);
        let with = With { exclusive: vec![volume], ..With::default() };
        let (object, state) = ((RecordKind::Snapshot, uuid), State { snapshot: uuid, volume });
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }

    /// Whether a snapshot that was picked as a parent is none any more.
    async fn has_left(&self, parent: Option<Uuid>) -> Result<bool, Failure> {
        let Some(parent) = parent else {
            return Ok(false);
        };
        let parent = self.rooms.repository.find::<Snapshot>(parent).await?;
        Ok(parent.is_none_or(|parent| parent.state != SnapshotState::BackedUp))
    }

    /// A snapshot that is to be taken, and the changes with which that begins.
    async fn plan(
        &self,
        volume: Uuid,
        name: Option<String>,
        of: Option<(&str, PolicyRun)>,
        more: Vec<Change>,
    ) -> Result<(Snapshot, Vec<Change>), Failure> {
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
        changes.extend(more);
        if let Some((interval, run)) = of {
            snapshot.snapshot_type = interval.to_owned();
            snapshot.policy = Some(run);
        }
        volume.state = volume.state.next(VolumeEvent::SnapshotRequested)?;
        snapshot.state = snapshot.state.next(SnapshotEvent::CreateRequested)?;
        changes.extend([Change::update(&volume), Change::insert(&snapshot)]);
        Ok((snapshot, changes))
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

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(context, state))
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
        snapshot.state = snapshot.state.next(SnapshotEvent::OperationNotPerformed)?;
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let policy = snapshot.policy.map(|run| run.policy);
        let by = policy.map(|policy| format!(" by snapshot policy {policy}")).unwrap_or_default();
        let told =
            format!("snapshot {:?} of volume {:?} was taken{by}", snapshot.name, volume.name);
        let mut changes = vec![
            Change::update(&snapshot),
            Change::update(&volume),
            context.event("SNAPSHOT.CREATE", (RecordKind::Snapshot, snapshot.uuid), told),
        ];
        changes.extend(self.0.policy_succeeded(policy).await?);
        Ok(changes)
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
    async fn forget(&self, context: &StepContext, state: &State) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut volume = self.0.find_volume(state.volume).await?;
        snapshot.state = snapshot.state.next(SnapshotEvent::OperationFailed)?;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        let policy = snapshot.policy.map(|run| run.policy);
        let mut changes = vec![
            Change::update(&snapshot),
            Change::remove(&snapshot.record),
            Change::update(&volume),
        ];
        changes.extend(self.0.policy_failed(policy, context.failure()).await?);
        Ok(changes)
    }
}
