//! A snapshot goes. One that clones depend on stays, with the driver's reason.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, Snapshot, SnapshotEvent, Stored};
use crate::orchestration::in_store::ends;
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
    /// `InUse` while a volume is made from it; `Conflict` in a state that does not allow it, and
    /// for a member of an instance snapshot; why a store that it is on cannot be reached.
    pub async fn delete(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let mut snapshot = self.rooms.find_snapshot(uuid).await?;
        self.rooms.expect_on_its_own(&snapshot, "deleted", "deleteVMSnapshot").await?;
        snapshot.state = snapshot.state.next(SnapshotEvent::DestroyRequested)?;
        snapshot.note = None;
        let mut changes = vec![Change::ExpectUnused(uuid), Change::update(&snapshot)];
        let mut with = With::default();
        for one in self.rooms.places_of(uuid).await? {
            // There is no way back once the pool has removed its bytes, so what cannot be reached
            // is refused now.
            self.rooms.store_access(one.store).await?;
            changes.push(self.rooms.expect_store_in_use(one.store).await?);
            with.shared.push(one.store);
        }
        let object = (RecordKind::Snapshot, uuid);
        let state = State { snapshot: uuid, gone: false };
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
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
    const VERSION: u32 = 2;
    const SPANS_STORES: bool = true;
    // What is gone cannot come back: the way back looks whether it is.
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("remove it from the pool", step_fn!(remove)).undone_by(step_fn!(look)),
        Step::outside("remove it from image stores", step_fn!(remove_copies)).forward_only(),
    ];

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
        if snapshot.on_primary {
            self.0.delete_on_pool(context, &snapshot).await?;
        }
        Ok(Vec::new())
    }

    async fn remove_copies(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut changes = Vec::new();
        for one in self.0.places_of(state.snapshot).await? {
            self.0.drop_from_store(context, &one).await?;
            changes.extend(ends(one)?);
        }
        changes.extend(self.removed(context, snapshot).await?);
        Ok(changes)
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let snapshot = self.0.find_snapshot(state.snapshot).await?;
        state.gone = snapshot.on_primary && !self.0.is_on_pool(context, &snapshot).await?;
        Ok(Vec::new())
    }

    async fn stay(&self, context: &StepContext, state: &State) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        if state.gone && self.0.places_of(snapshot.uuid).await?.is_empty() {
            return self.removed(context, snapshot).await;
        }
        let mut changes = Vec::new();
        if state.gone {
            changes = self.0.left_the_pool(&mut snapshot).await?;
        }
        snapshot.state = snapshot.state.next(SnapshotEvent::OperationFailed)?;
        snapshot.note = context.failure().map(|failure| format!("it cannot be deleted: {failure}"));
        changes.push(Change::update(&snapshot));
        Ok(changes)
    }

    async fn removed(
        &self,
        context: &StepContext,
        mut snapshot: Stored<Snapshot>,
    ) -> Result<Vec<Change>, StepError> {
        snapshot.state = snapshot.state.next(SnapshotEvent::OperationSucceeded)?;
        let mut changes = self.0.without_snapshot(&snapshot).await?;
        changes.push(context.event(
            "SNAPSHOT.DELETE",
            (RecordKind::Snapshot, snapshot.uuid),
            format!("snapshot {:?} was deleted", snapshot.name),
        ));
        Ok(changes)
    }
}
