//! A snapshot on an image store is copied to one of another zone.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, ObjectInStore, RecordKind, Snapshot, SnapshotState, Stored};
use crate::orchestration::in_store::{Origin, ends};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::Rooms;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

impl super::Snapshots {
    /// Begins to copy a snapshot to an image store of another zone (`copySnapshot`).
    ///
    /// # Errors
    /// `AlreadyExists` where it is there; `Conflict` where it is on no image store;
    /// `CapacityExceeded`.
    pub async fn copy(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        zone: Uuid,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let snapshot = rooms.find_snapshot(uuid).await?;
        rooms.expect_not_in_zone(uuid, zone).await?;
        let source = rooms.snapshot_in_store(&snapshot, zone).await?.ok_or_else(|| {
            Failure::conflict(format!(
                "snapshot {:?} is on no image store; back it up first (backupSnapshot)",
                snapshot.name
            ))
        })?;
        let mut copy = rooms.copy_to_zone(&source, zone).await?;
        let object = (RecordKind::Snapshot, uuid);
        copy.changes.push(Change::expect(object.0, uuid, SnapshotState::BackedUp.as_str()));
        let state = State { one: copy.one, source: source.uuid };
        rooms.begin::<Flow>(request, object, copy.with, copy.changes, &state).await
    }
}

/// `snapshot.copy`.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    one: Uuid,
    source: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshot.copy";
    const VERSION: u32 = 1;
    const SPANS_STORES: bool = true;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("bring its bytes", step_fn!(bring)).undone_by(step_fn!(drop_it))];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let one = self.0.find_in_store(state.one).await?;
            let mut snapshot = self.0.find_snapshot(one.object).await?;
            let why = context.failure();
            snapshot.note = why.map(|failure| format!("it cannot be copied: {failure}"));
            let mut changes = ends(one)?;
            changes.push(Change::update(&snapshot));
            Ok(changes)
        })
    }
}

impl Flow {
    async fn bring(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.0.bring(context, state.one, Origin::InStore(state.source)).await?;
        let name = self.0.name_of(&one).await?;
        let store = self.0.store_access(one.store).await?.title;
        let object = (RecordKind::Snapshot, one.object);
        let told =
            context.event("SNAPSHOT.COPY", object, format!("snapshot {name:?} is on {store}"));
        let mut changes = vec![Change::update(&one), told];
        let mut snapshot = self.0.find_snapshot(one.object).await?;
        // What stood in the way before does no more.
        if snapshot.note.take().is_some() {
            changes.push(Change::update(&snapshot));
        }
        Ok(changes)
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.drop_place(context, state.one).await
    }
}

impl Rooms {
    /// The Ready bytes of a snapshot on an image store that a zone reads best, if there are any.
    pub(in crate::orchestration) async fn snapshot_in_store(
        &self,
        snapshot: &Snapshot,
        zone: Uuid,
    ) -> Result<Option<Stored<ObjectInStore>>, Failure> {
        let places = self.places_of(snapshot.uuid).await?;
        let roles = [DataStoreRole::Image, DataStoreRole::ImageCache];
        Ok(self.best_place(&places, zone, &roles).await?)
    }
}
