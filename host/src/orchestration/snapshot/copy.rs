//! A snapshot on an image store is copied to one of another zone.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, ObjectInStore, ObjectInStoreState, RecordKind, Snapshot, Stored};
use crate::orchestration::in_store::{Origin, begins, coming_to_image_store, ends, expect_ready};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{DataStoreRole, PluginErrorKind};
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
        let is_there = |one: &Stored<ObjectInStore>| {
            one.role == DataStoreRole::Image && one.zone.is_none_or(|other| other == zone)
        };
        if rooms.places_of(uuid).await?.iter().any(is_there) {
            let why = format!("snapshot {:?} is in that zone already", snapshot.name);
            return Err(Failure::new(PluginErrorKind::AlreadyExists, why));
        }
        let source = rooms.snapshot_in_store(&snapshot, zone).await?.ok_or_else(|| {
            Failure::conflict(format!(
                "snapshot {:?} is on no image store; back it up first (backupSnapshot)",
                snapshot.name
            ))
        })?;
        let store = rooms.image_store_for(zone, source.format, source.length_bytes).await?;
        let object = (RecordKind::Snapshot, uuid);
        let one = coming_to_image_store(object, &store, source.format);
        let mut changes = begins(&one).to_vec();
        changes.extend([
            rooms.expect_store_in_use(store.uuid).await?,
            expect_ready(source.uuid),
            Change::expect(RecordKind::Snapshot, uuid, "BackedUp"),
        ]);
        let state = State { one: one.uuid, source: source.uuid };
        let with = With { shared: vec![source.uuid, source.store, store.uuid], ..With::default() };
        rooms.begin::<Flow>(request, object, with, changes, &state).await
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
        let one = self.0.find_in_store(state.one).await?;
        self.0.drop_from_store(context, &one).await?;
        Ok(Vec::new())
    }
}

impl Rooms {
    /// The Ready bytes of a snapshot on an image store that a zone reads best, if there are any.
    pub(in crate::orchestration) async fn snapshot_in_store(
        &self,
        snapshot: &Snapshot,
        zone: Uuid,
    ) -> Result<Option<Stored<ObjectInStore>>, Failure> {
        let mut places = self.places_of(snapshot.uuid).await?;
        places.retain(|one| one.state == ObjectInStoreState::Ready);
        Ok(places.into_iter().min_by_key(|one| match one.zone {
            Some(other) if other == zone => 0,
            None => 1,
            Some(_) => 2,
        }))
    }
}
