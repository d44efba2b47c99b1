//! What the store knows of an object that a pool lists.

use crate::model::{RecordKind, Snapshot, SnapshotState, Stored, Volume, VolumeState};
use crate::orchestration::rooms::Rooms;
use crate::store::{Filter, Key, StoreError};
use std::collections::HashSet;
use storage_plugin_api::DataObject;
use uuid::Uuid;

/// A record that refers to a path on a pool, and was not removed.
pub(in crate::orchestration) struct Owner {
    pub(in crate::orchestration) kind: RecordKind,
    pub(in crate::orchestration) uuid: Uuid,
    pub(in crate::orchestration) name: String,
    pub(in crate::orchestration) path: String,
}

/// The record of an object, of whatever kind.
pub(in crate::orchestration) struct Known {
    pub(super) kind: RecordKind,
    pub(super) name: String,
    /// The pool that it is on, by its record.
    pub(super) pool: Option<Uuid>,
    pub(super) is_removed: bool,
    /// Its record says that its bytes are gone, and that they were ours to remove.
    pub(super) is_dead: bool,
    /// Its bytes were given out of care: whatever their name says, they are nobody's here.
    pub(in crate::orchestration) is_released: bool,
    object: DataObject,
}

impl Known {
    fn volume(stored: &Stored<Volume>) -> Self {
        let is_removed = stored.removed_us.is_some();
        Self {
            kind: RecordKind::Volume,
            name: stored.name.clone(),
            pool: stored.pool,
            is_removed,
            // The state is asked as well: whoever removes a record without having removed the
            // bytes leaves another one.
            is_dead: is_removed && !stored.released && stored.state == VolumeState::Expunged,
            is_released: stored.released,
            object: stored.as_seen_by_plugins(stored.id).into(),
        }
    }

    fn snapshot(stored: &Stored<Snapshot>) -> Self {
        let is_removed = stored.removed_us.is_some();
        let is_gone = matches!(stored.state, SnapshotState::Destroyed | SnapshotState::Error);
        Self {
            kind: RecordKind::Snapshot,
            name: stored.name.clone(),
            pool: Some(stored.pool),
            is_removed,
            is_dead: is_removed && is_gone && !stored.volume.released,
            is_released: stored.volume.released,
            object: stored.as_seen_by_plugins(stored.id).into(),
        }
    }

    /// The object as a driver is asked about it, at the place where a listing showed it.
    pub(super) fn at(&self, path: &str) -> DataObject {
        let mut object = self.object.clone();
        match &mut object {
            DataObject::Volume(volume) => path.clone_into(&mut volume.path),
            DataObject::Snapshot(snapshot) => path.clone_into(&mut snapshot.path),
            _ => {}
        }
        object
    }
}

impl Rooms {
    /// The record of an object, also one that was removed.
    pub(in crate::orchestration) async fn known(
        &self,
        uuid: Uuid,
    ) -> Result<Option<Known>, StoreError> {
        if let Some(volume) = self.repository.find_any::<Volume>(Key::Uuid(uuid)).await? {
            return Ok(Some(Known::volume(&volume)));
        }
        let snapshot = self.repository.find_any::<Snapshot>(Key::Uuid(uuid)).await?;
        Ok(snapshot.as_ref().map(Known::snapshot))
    }

    /// The paths on a pool that records refer to which were not removed: whatever the name of such
    /// an object says, it has an owner.
    pub(in crate::orchestration) async fn owned_paths(
        &self,
        pool: Uuid,
    ) -> Result<HashSet<String>, StoreError> {
        Ok(self.owners(pool).await?.into_iter().map(|owner| owner.path).collect())
    }

    /// The records that refer to a path on a pool.
    pub(in crate::orchestration) async fn owners(
        &self,
        pool: Uuid,
    ) -> Result<Vec<Owner>, StoreError> {
        let filter = Filter { owner: Some(pool), ..Filter::default() };
        let volumes = self.repository.list::<Volume>(&filter).await?.into_iter();
        let mut owners: Vec<Owner> = volumes
            .map(|Stored { record, .. }| Owner {
                kind: RecordKind::Volume,
                uuid: record.uuid,
                name: record.name,
                path: record.path,
            })
            .collect();
        let snapshots = self.repository.list::<Snapshot>(&Filter::default()).await?.into_iter();
        owners.extend(snapshots.filter(|snapshot| snapshot.pool == pool).map(
            |Stored { record, .. }| Owner {
                kind: RecordKind::Snapshot,
                uuid: record.uuid,
                name: record.name,
                path: record.path,
            },
        ));
        owners.retain(|owner| !owner.path.is_empty());
        Ok(owners)
    }

    /// Whether an operation holds an object.
    pub(super) async fn has_operation(&self, uuid: Uuid) -> Result<bool, StoreError> {
        Ok(self.repository.find_claim(&format!("object:{uuid}")).await?.is_some())
    }
}
