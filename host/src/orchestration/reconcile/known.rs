//! What the store knows of an object that a data store lists.

use crate::jobs::{StepError, claim_of};
use crate::model::{
    ObjectInStore, ObjectInStoreState, RecordKind, Snapshot, SnapshotState, Stored, Volume,
    VolumeState,
};
use crate::orchestration::copy::set_path;
use crate::orchestration::rooms::Rooms;
use crate::store::{Filter, Key, StoreError};
use std::collections::HashSet;
use storage_plugin_api::DataObject;
use uuid::Uuid;

/// A record that refers to a path on a store, and was not removed.
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
    /// The store that it is on, by its record.
    pub(super) store: Option<Uuid>,
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
            store: stored.pool,
            is_removed,
            // The state is asked as well: whoever removes a record without having removed the
            // bytes leaves another one.
            is_dead: is_removed && !stored.released && stored.state == VolumeState::Expunged,
            is_released: stored.released,
            object: stored.as_seen_by_plugins(stored.id).into(),
        }
    }

    /// A snapshot, as one store is asked about it, or whatever store.
    fn snapshot(stored: &Stored<Snapshot>, on: Option<Uuid>) -> Self {
        let is_removed = stored.removed_us.is_some();
        let is_gone = matches!(stored.state, SnapshotState::Destroyed | SnapshotState::Error);
        // Where else it may be, an older database does not know.
        let left_it = !stored.on_primary && on.is_none_or(|store| store == stored.pool);
        Self {
            kind: RecordKind::Snapshot,
            name: stored.name.clone(),
            store: stored.on_primary.then_some(stored.pool),
            is_removed,
            // One that was archived left nothing on its pool, either.
            is_dead: (is_removed && is_gone && !stored.volume.released)
                || (left_it && !stored.volume.released),
            is_released: stored.volume.released,
            object: stored.as_seen_by_plugins(stored.id).into(),
        }
    }

    /// A template or snapshot on a store where it was not born.
    fn in_store(stored: &Stored<ObjectInStore>, name: String, object: DataObject) -> Self {
        let is_removed = stored.removed_us.is_some();
        let is_gone =
            matches!(stored.state, ObjectInStoreState::Destroyed | ObjectInStoreState::Failed);
        Self {
            kind: stored.kind,
            name,
            store: Some(stored.store),
            is_removed,
            is_dead: is_removed && is_gone,
            is_released: false,
            object,
        }
    }

    /// The object as a driver is asked about it, at the place where a listing showed it.
    pub(super) fn at(&self, path: &str) -> DataObject {
        let mut object = self.object.clone();
        set_path(&mut object, path);
        object
    }
}

impl Rooms {
    /// The record of an object, also one that was removed.
    pub(in crate::orchestration) async fn known(
        &self,
        uuid: Uuid,
    ) -> Result<Option<Known>, StoreError> {
        self.born_with(uuid, None).await
    }

    /// The record that an object was born with, as it tells of one store, or of whatever store.
    async fn born_with(
        &self,
        uuid: Uuid,
        store: Option<Uuid>,
    ) -> Result<Option<Known>, StoreError> {
        if let Some(volume) = self.repository.find_any::<Volume>(Key::Uuid(uuid)).await? {
            return Ok(Some(Known::volume(&volume)));
        }
        let snapshot = self.repository.find_any::<Snapshot>(Key::Uuid(uuid)).await?;
        Ok(snapshot.map(|snapshot| Known::snapshot(&snapshot, store)))
    }

    /// The record of an object that a data store lists.
    pub(super) async fn known_on(
        &self,
        store: Uuid,
        uuid: Uuid,
    ) -> Result<Option<Known>, StepError> {
        let name = Some(uuid.to_string());
        let filter = Filter { name, owner: Some(store), removed: true, ..Filter::default() };
        let mut places = self.repository.list::<ObjectInStore>(&filter).await?;
        // One that is there counts, else the last that was.
        places.sort_by_key(|one| (one.removed_us.is_none(), one.id));
        let Some(one) = places.pop() else {
            return Ok(self.born_with(uuid, Some(store)).await?);
        };
        let name = self.name_of(&one).await?;
        Ok(Some(Known::in_store(&one, name, self.object_here(&one).await?)))
    }

    /// The paths on a store that records refer to which were not removed: whatever the name of such
    /// an object says, it has an owner.
    pub(in crate::orchestration) async fn owned_paths(
        &self,
        store: Uuid,
    ) -> Result<HashSet<String>, StoreError> {
        Ok(self.owners(store).await?.into_iter().map(|owner| owner.path).collect())
    }

    /// The records that refer to a path on a store.
    pub(in crate::orchestration) async fn owners(
        &self,
        store: Uuid,
    ) -> Result<Vec<Owner>, StoreError> {
        let filter = Filter { owner: Some(store), ..Filter::default() };
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
        owners.extend(
            snapshots.filter(|snapshot| snapshot.on_primary && snapshot.pool == store).map(
                |Stored { record, .. }| Owner {
                    kind: RecordKind::Snapshot,
                    uuid: record.uuid,
                    name: record.name,
                    path: record.path,
                },
            ),
        );
        for one in self.repository.list::<ObjectInStore>(&filter).await? {
            let name = self.name_of(&one).await?;
            let Stored { record: ObjectInStore { kind, object: uuid, path, .. }, .. } = one;
            owners.push(Owner { kind, uuid, name, path });
        }
        owners.retain(|owner| !owner.path.is_empty());
        Ok(owners)
    }

    /// Whether an operation holds an object.
    pub(super) async fn has_operation(&self, uuid: Uuid) -> Result<bool, StoreError> {
        Ok(self.repository.find_claim(&claim_of(uuid)).await?.is_some())
    }
}
