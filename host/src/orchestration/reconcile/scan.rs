//! The comparison of a data store with the host's own store, in both directions.
//!
//! **Invariant:** the pool is listed first and the store is asked afterwards. An object's record is
//! durable before a driver is called for it, so what is listed and not known then is unknown
//! indeed. What is odd by the listing is described before it is believed.

use super::{Orphan, OrphanClass, Reconcile};
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Failure, ImageStore, ObjectInStore, ObjectInStoreState, Record, RecordKind, Snapshot,
    SnapshotState, StoragePool, Stored, Volume, VolumeState,
};
use crate::orchestration::rooms::Rooms;
use crate::orchestration::store_access::StoreAccess;
use crate::store::Filter;
use std::collections::HashSet;
use storage_plugin_api::{DataObject, DataObjectType, ListedObject};
use uuid::Uuid;

/// What came of the comparison of one pool, image store or image cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreScan {
    /// The pool or image store.
    pub store: Uuid,
    /// Its name.
    pub name: String,
    /// How many objects there bear our installation id.
    pub ours: u64,
    /// How many are others', or were released to them.
    pub foreign: u64,
    /// What is odd.
    pub orphans: Vec<Orphan>,
    /// Why it was not compared.
    pub problem: Option<Failure>,
}

impl Reconcile {
    /// Compares one pool or image store, or every one.
    ///
    /// # Errors
    /// `NotFound` for one that there is not; the store's. What is wrong with one is in its scan.
    pub async fn scan(&self, store: Option<Uuid>) -> Result<Vec<StoreScan>, Failure> {
        let mut stores = self.rooms.stores().await?;
        if let Some(wanted) = store {
            stores.retain(|(uuid, _)| *uuid == wanted);
            if stores.is_empty() {
                let why = format!("there is no storage pool or image store {wanted}");
                return Err(Failure::not_found(why));
            }
        }
        // Each on its own: one that hangs holds up the answer, not the others.
        let tasks: Vec<_> = stores
            .into_iter()
            .map(|(uuid, name)| {
                let this = self.clone();
                tokio::spawn(async move { this.scan_one(uuid, name).await })
            })
            .collect();
        let mut scans = Vec::new();
        for task in tasks {
            scans.push(task.await.map_err(|error| {
                Failure::internal(format!("the comparison of a data store broke: {error}"))
            })?);
        }
        Ok(scans)
    }

    async fn scan_one(&self, store: Uuid, name: String) -> StoreScan {
        let mut scan =
            StoreScan { store, name, ours: 0, foreign: 0, orphans: Vec::new(), problem: None };
        if let Err(error) = self.compare(&mut scan).await {
            scan.problem = Some(error.failure);
        }
        scan
    }

    async fn compare(&self, scan: &mut StoreScan) -> Result<(), StepError> {
        let access = self.rooms.store_access(scan.store).await?;
        let context = StepContext::detached("system");
        let can = access.capabilities(&context.call()).await?;
        if !can.list_objects {
            return Err(Failure::unsupported(format!(
                "provider {:?} of {} cannot list the objects of a store, so nothing can be compared",
                access.provider_name, access.title
            ))
            .into());
        }
        let listed = access.list_all(&context).await?;
        let installation_id = self.rooms.repository.installation_id().as_str();
        let owned = self.rooms.owned_paths(scan.store).await?;
        let mut seen = HashSet::new();
        for one in &listed {
            if owned.contains(&one.path) {
                scan.ours += 1;
                seen.extend(one.uuid);
                continue;
            }
            if one.installation_id.as_deref() != Some(installation_id) {
                scan.foreign += 1;
                continue;
            }
            scan.ours += 1;
            seen.extend(one.uuid);
            self.judge(&access, &context, one, scan).await?;
        }
        self.missing_volumes(&access, &context, &seen, scan).await?;
        self.missing_snapshots(&access, &context, &seen, scan).await?;
        self.missing_in_store(&access, &context, &seen, scan).await
    }

    /// What the store says of an object that is there.
    async fn judge(
        &self,
        access: &StoreAccess<'_>,
        context: &StepContext,
        one: &ListedObject,
        scan: &mut StoreScan,
    ) -> Result<(), StepError> {
        let known = match one.uuid {
            Some(uuid) => self.rooms.known_on(scan.store, uuid).await?,
            None => None,
        };
        let mut orphan = Orphan {
            class: OrphanClass::Unknown,
            store: scan.store,
            object: one.uuid,
            kind: kind_of(one.object_type),
            name: None,
            path: one.path.clone(),
            size_bytes: one.size_bytes,
        };
        let Some(known) = known else {
            scan.orphans.push(orphan);
            return Ok(());
        };
        orphan.kind = Some(known.kind);
        orphan.name = Some(known.name.clone());
        let held = match one.uuid {
            Some(uuid) => self.rooms.has_operation(uuid).await?,
            None => false,
        };
        if known.is_removed && !known.is_dead {
            // Released: its bytes are somebody else's now.
            scan.ours -= 1;
            scan.foreign += 1;
        } else if known.is_dead && !held {
            // It may have been on its way out while it was listed.
            if access.describe(context, known.at(&one.path)).await?.present {
                orphan.class = OrphanClass::Leftover;
                scan.orphans.push(orphan);
            }
        } else if !known.is_removed && known.store != Some(scan.store) && !held {
            orphan.class = OrphanClass::Misplaced;
            scan.orphans.push(orphan);
        }
        Ok(())
    }

    async fn missing_volumes(
        &self,
        access: &StoreAccess<'_>,
        context: &StepContext,
        seen: &HashSet<Uuid>,
        scan: &mut StoreScan,
    ) -> Result<(), StepError> {
        let filter = Filter {
            owner: Some(scan.store),
            states: vec![VolumeState::Ready.as_str()],
            ..Filter::default()
        };
        for volume in self.rooms.repository.list::<Volume>(&filter).await? {
            let object = volume.as_seen_by_plugins(volume.id).into();
            if !seen.contains(&volume.uuid)
                && self.is_missing(access, context, &volume, object).await?
            {
                scan.orphans.push(missing(
                    scan.store,
                    RecordKind::Volume,
                    &volume.record,
                    &volume.path,
                    volume.size_bytes,
                ));
            }
        }
        Ok(())
    }

    async fn missing_snapshots(
        &self,
        access: &StoreAccess<'_>,
        context: &StepContext,
        seen: &HashSet<Uuid>,
        scan: &mut StoreScan,
    ) -> Result<(), StepError> {
        let states = vec![SnapshotState::BackedUp.as_str()];
        let zone = access.context.scope.zone_id;
        let filter = Filter { zone, states, ..Filter::default() };
        for snapshot in self.rooms.repository.list::<Snapshot>(&filter).await? {
            let object = snapshot.as_seen_by_plugins(snapshot.id).into();
            if snapshot.on_primary
                && snapshot.pool == scan.store
                && !seen.contains(&snapshot.uuid)
                && self.is_missing(access, context, &snapshot, object).await?
            {
                let size = snapshot.volume.size_bytes;
                scan.orphans.push(missing(
                    scan.store,
                    RecordKind::Snapshot,
                    &snapshot.record,
                    &snapshot.path,
                    size,
                ));
            }
        }
        Ok(())
    }

    async fn missing_in_store(
        &self,
        access: &StoreAccess<'_>,
        context: &StepContext,
        seen: &HashSet<Uuid>,
        scan: &mut StoreScan,
    ) -> Result<(), StepError> {
        let filter = Filter {
            owner: Some(scan.store),
            states: vec![ObjectInStoreState::Ready.as_str()],
            ..Filter::default()
        };
        for one in self.rooms.repository.list::<ObjectInStore>(&filter).await? {
            let object = self.rooms.object_here(&one).await?;
            if !seen.contains(&one.object) && self.is_missing(access, context, &one, object).await?
            {
                scan.orphans.push(Orphan {
                    class: OrphanClass::Missing,
                    store: scan.store,
                    object: Some(one.object),
                    kind: Some(one.kind),
                    name: Some(self.rooms.name_of(&one).await?),
                    path: one.path.clone(),
                    size_bytes: Some(one.length_bytes),
                });
            }
        }
        Ok(())
    }

    /// Whether an object is not there, and nobody changed its record meanwhile.
    async fn is_missing<T: Record>(
        &self,
        access: &StoreAccess<'_>,
        context: &StepContext,
        read: &Stored<T>,
        object: DataObject,
    ) -> Result<bool, StepError> {
        if access.describe(context, object).await?.present {
            return Ok(false);
        }
        let uuid = read.record.uuid();
        let now = self.rooms.repository.find::<T>(uuid).await?;
        let unchanged = now.is_some_and(|now| now.version == read.version);
        Ok(unchanged && !self.rooms.has_operation(uuid).await?)
    }
}

fn missing<T: Record>(store: Uuid, kind: RecordKind, record: &T, path: &str, size: u64) -> Orphan {
    Orphan {
        class: OrphanClass::Missing,
        store,
        object: Some(record.uuid()),
        kind: Some(kind),
        name: Some(record.index().name),
        path: path.to_owned(),
        size_bytes: Some(size),
    }
}

fn kind_of(object_type: Option<DataObjectType>) -> Option<RecordKind> {
    match object_type? {
        DataObjectType::Volume => Some(RecordKind::Volume),
        DataObjectType::Snapshot => Some(RecordKind::Snapshot),
        DataObjectType::Template => Some(RecordKind::Template),
        _ => None,
    }
}

impl Rooms {
    /// Every pool, image store and image cache, with its name.
    pub(super) async fn stores(&self) -> Result<Vec<(Uuid, String)>, Failure> {
        let all = Filter::default();
        let pools = self.repository.list::<StoragePool>(&all).await?.into_iter();
        let images = self.repository.list::<ImageStore>(&all).await?.into_iter();
        let pools = pools.map(|Stored { record, .. }| (record.uuid, record.name));
        Ok(pools.chain(images.map(|Stored { record, .. }| (record.uuid, record.name))).collect())
    }
}
