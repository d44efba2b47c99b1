//! A snapshot is copied to an image store, and may leave its pool then.
//!
//! **Invariant:** the pool lets go of its bytes only after those on the image store were verified
//! and the record says where they are.

use super::incremental::Base;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, Snapshot, SnapshotEvent, Stored};
use crate::orchestration::in_store::{Origin, begins, coming_to_image_store, ends};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{CallContext, DataStoreRole};
use uuid::Uuid;

impl super::Snapshots {
    /// Begins to copy a snapshot to an image store of its zone (`backupSnapshot`), and, where it is
    /// archived, to remove it from its pool afterwards (`archiveSnapshot`).
    ///
    /// # Errors
    /// `Conflict` where it is on no pool; `InUse` for a member of an instance snapshot, or while a
    /// volume is made from it; `CapacityExceeded` where no image store takes it.
    pub async fn back_up(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        archive: bool,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let mut snapshot = rooms.find_snapshot(uuid).await?;
        if archive {
            rooms.expect_on_its_own(&snapshot, "archived", "deleteVMSnapshot").await?;
        }
        if !snapshot.on_primary {
            let why = format!("snapshot {:?} is on image stores only", snapshot.name);
            return Err(Failure::conflict(why));
        }
        let there = rooms.places_of(uuid).await?;
        let there = there.iter().find(|one| one.role == DataStoreRole::Image);
        if let Some(one) = there.filter(|_| !archive) {
            let store = rooms.find_image_store(one.store).await?;
            return Err(Failure::new(
                storage_plugin_api::PluginErrorKind::AlreadyExists,
                format!("snapshot {:?} is on {} already", snapshot.name, store.title()),
            ));
        }
        let from = rooms.store_access(snapshot.pool).await?;
        let mut changes = vec![Change::ExpectUnused(uuid), expect_in_use(snapshot.pool)];
        let mut shared = vec![snapshot.pool];
        let mut base = None;
        let one = match there {
            Some(_) => None,
            None => {
                let (store, begins_with) = rooms.best_store(&snapshot).await?;
                let call = CallContext::new(uuid);
                let to = rooms.store_access(store.uuid).await?;
                rooms.expect_streams(&call, &from, &to).await?;
                let object = (RecordKind::Snapshot, uuid);
                let one = coming_to_image_store(object, &store, snapshot.volume.format);
                changes.extend(begins(&one));
                changes.push(rooms.expect_store_in_use(store.uuid).await?);
                shared.push(store.uuid);
                // Nobody removes it meanwhile.
                shared.extend(begins_with.map(|base| base.snapshot));
                changes.extend(begins_with.map(|base| base.is_there()));
                base = begins_with;
                Some(one.uuid)
            }
        };
        snapshot.state = snapshot.state.next(SnapshotEvent::BackupToSecondary)?;
        snapshot.note = None;
        changes.push(Change::update(&snapshot));
        let state = State { snapshot: uuid, one, archive, base };
        let with = With { shared, ..With::default() };
        rooms.begin::<Flow>(request, (RecordKind::Snapshot, uuid), with, changes, &state).await
    }
}

/// `snapshot.backup`.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    snapshot: Uuid,
    /// What comes to be on the image store; `None` where it is there.
    one: Option<Uuid>,
    archive: bool,
    /// The backup that this one begins with, where only what changed since is moved.
    #[serde(default)]
    base: Option<Base>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshot.backup";
    const VERSION: u32 = 1;
    const SPANS_STORES: bool = true;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("bring it to the image store", step_fn!(bring)).undone_by(step_fn!(drop_it)),
        Step::outside("remove it from the pool", step_fn!(leave)).forward_only(),
    ];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
            snapshot.state = snapshot.state.next(SnapshotEvent::OperationFailed)?;
            let why = context.failure();
            snapshot.note = why.map(|failure| format!("it cannot be backed up: {failure}"));
            let mut changes = vec![Change::update(&snapshot)];
            if let Some(one) = state.one {
                changes.extend(ends(self.0.find_in_store(one).await?)?);
            }
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
        let Some(one) = state.one else {
            return Ok(Vec::new());
        };
        if let Some(base) = state.base {
            let from = (state.snapshot, base);
            if let Some(one) = self.0.bring_changes(context, one, from).await? {
                return Ok(vec![Change::update(&one)]);
            }
        }
        let one = self.0.bring(context, one, Origin::Snapshot(state.snapshot)).await?;
        Ok(vec![Change::update(&one)])
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        match state.one {
            Some(one) => self.0.drop_place(context, one).await,
            None => Ok(Vec::new()),
        }
    }

    async fn leave(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut snapshot = self.0.find_snapshot(state.snapshot).await?;
        let mut changes = Vec::new();
        if state.archive {
            self.0.delete_on_pool(context, &snapshot).await?;
            changes.extend(self.0.left_the_pool(&mut snapshot).await?);
        }
        snapshot.state = snapshot.state.next(SnapshotEvent::OperationSucceeded)?;
        let name = &snapshot.name;
        let moved = match state.one {
            Some(one) => self.0.find_in_store(one).await?.moved_bytes,
            None => None,
        };
        let told = match (moved, state.base) {
            (Some(moved), Some(base)) => format!(
                "snapshot {name:?} is on an image store; {moved} of its {} bytes were moved, the \
                 rest is as in snapshot {}",
                snapshot.volume.size_bytes, base.snapshot
            ),
            _ => format!("snapshot {name:?} is on an image store"),
        };
        changes.extend([
            Change::update(&snapshot),
            context.event("SNAPSHOT.BACKUP", (RecordKind::Snapshot, snapshot.uuid), told),
        ]);
        Ok(changes)
    }
}

impl Rooms {
    /// A snapshot whose bytes left the pool is nobody's parent there.
    pub(super) async fn left_the_pool(
        &self,
        snapshot: &mut Stored<Snapshot>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for mut other in self.snapshots_of(snapshot.volume.uuid).await? {
            if other.parent == Some(snapshot.uuid) {
                other.parent = snapshot.parent;
                changes.push(Change::update(&other));
            }
        }
        snapshot.on_primary = false;
        snapshot.parent = None;
        snapshot.path = String::new();
        Ok(changes)
    }
}
