//! A snapshot goes. One that clones depend on stays, with the driver's reason.

use super::advance;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, RecordKind, Snapshot, SnapshotEvent, Stored};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Snapshots {
    /// Begins to delete a snapshot (`deleteSnapshot`).
    ///
    /// # Errors
    /// `InUse` while a volume is made from it; `Conflict` in a state that does not allow it.
    pub async fn delete(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let mut snapshot = self.rooms.find_snapshot(uuid).await?;
        advance(&mut snapshot, &[SnapshotEvent::DestroyRequested])?;
        snapshot.note = None;
        let changes = vec![Change::ExpectUnused(uuid), Change::update(&snapshot)];
        let object = (RecordKind::Snapshot, uuid);
        let state = State { snapshot: uuid, gone: false };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

/// `snapshot.delete`: the driver removes it, then its record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    snapshot: Uuid,
    /// The way back found that its bytes are gone.
    gone: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshot.delete";
    const VERSION: u32 = 1;
    // What is gone cannot come back: the way back looks whether it is.
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the pool", step_fn!(remove)).undone_by(step_fn!(look))];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay(context, state))
    }
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        let pool = self.0.access(snapshot.pool).await?;
        pool.delete(context, self.0.snapshot_info(&snapshot).await?).await?;
        self.removed(context, snapshot).await
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        let pool = self.0.access(snapshot.pool).await?;
        let info = self.0.snapshot_info(&snapshot).await?;
        state.gone = !pool.describe(context, info).await?.present;
        Ok(Vec::new())
    }

    async fn stay(&self, context: &StepContext, state: &State) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        if state.gone {
            return self.removed(context, snapshot).await;
        }
        advance(&mut snapshot, &[SnapshotEvent::OperationFailed])?;
        snapshot.note = context.failure().map(|failure| format!("it cannot be deleted: {failure}"));
        Ok(vec![Change::update(&snapshot)])
    }

    /// Its children become those of its parent. None can be added meanwhile: a snapshot that is
    /// being removed becomes nobody's parent.
    async fn removed(
        &self,
        context: &StepContext,
        mut snapshot: Stored<Snapshot>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for mut other in self.0.snapshots_of(snapshot.volume.uuid).await? {
            if other.parent == Some(snapshot.uuid) {
                other.parent = snapshot.parent;
                changes.push(Change::update(&other));
            }
        }
        advance(&mut snapshot, &[SnapshotEvent::OperationSucceeded])?;
        changes.extend([
            Change::update(&snapshot),
            Change::remove(&snapshot.record),
            context.event(
                "SNAPSHOT.DELETE",
                (RecordKind::Snapshot, snapshot.uuid),
                format!("snapshot {:?} was deleted", snapshot.name),
            ),
        ]);
        Ok(changes)
    }
}
