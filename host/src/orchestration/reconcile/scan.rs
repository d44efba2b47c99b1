//! The comparison of a pool with the store, in both directions.
//!
//! **Invariant:** the pool is listed first and the store is asked afterwards. An object's record is
//! durable before a driver is called for it, so what is listed and not known then is unknown
//! indeed. What is odd by the listing is described before it is believed.

use super::{Orphan, OrphanClass, Reconcile};
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Failure, Record, RecordKind, Snapshot, SnapshotState, StoragePool, Stored, Volume, VolumeState,
};
use crate::orchestration::pool_access::PoolAccess;
use crate::store::Filter;
use std::collections::HashSet;
use storage_plugin_api::{DataObject, DataObjectType, ListObjectsRequest, ListedObject};
use uuid::Uuid;

/// How many objects a driver is asked for at once.
const PAGE: u32 = 1_000;

/// What came of the comparison of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolScan {
    /// The pool.
    pub pool: Uuid,
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
    /// Compares one pool, or every pool.
    ///
    /// # Errors
    /// `NotFound` for a pool that there is not; the store's. What is wrong with a pool is in its
    /// scan.
    pub async fn scan(&self, pool: Option<Uuid>) -> Result<Vec<PoolScan>, Failure> {
        let pools = match pool {
            Some(pool) => vec![self.rooms.find_pool(pool).await?],
            None => self.rooms.repository.list::<StoragePool>(&Filter::default()).await?,
        };
        // Each on its own: one that hangs holds up the answer, not the others.
        let tasks: Vec<_> = pools
            .into_iter()
            .map(|pool| {
                let this = self.clone();
                tokio::spawn(async move { this.scan_one(&pool).await })
            })
            .collect();
        let mut scans = Vec::new();
        for task in tasks {
            scans.push(task.await.map_err(|error| {
                Failure::internal(format!("the comparison of a storage pool broke: {error}"))
            })?);
        }
        Ok(scans)
    }

    async fn scan_one(&self, pool: &Stored<StoragePool>) -> PoolScan {
        let mut scan = PoolScan {
            pool: pool.uuid,
            name: pool.name.clone(),
            ours: 0,
            foreign: 0,
            orphans: Vec::new(),
            problem: None,
        };
        if let Err(error) = self.compare(&mut scan).await {
            scan.problem = Some(error.failure);
        }
        scan
    }

    async fn compare(&self, scan: &mut PoolScan) -> Result<(), StepError> {
        let access = self.rooms.access(scan.pool).await?;
        let context = StepContext::detached("system");
        let can = access.capabilities(&context.call()).await?;
        if !can.list_objects {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot list the objects of a pool, so nothing \
                 can be compared",
                access.pool.provider, access.pool.name
            ))
            .into());
        }
        let listed = access.list_all(&context).await?;
        let installation_id = self.rooms.repository.installation_id().as_str();
        let owned = self.rooms.owned_paths(scan.pool).await?;
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
        self.missing_snapshots(&access, &context, &seen, scan).await
    }

    /// What the store says of an object that is there.
    async fn judge(
        &self,
        access: &PoolAccess<'_>,
        context: &StepContext,
        one: &ListedObject,
        scan: &mut PoolScan,
    ) -> Result<(), StepError> {
        let known = match one.uuid {
            Some(uuid) => self.rooms.known(uuid).await?,
            None => None,
        };
        let mut orphan = Orphan {
            class: OrphanClass::Unknown,
            pool: scan.pool,
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
        } else if !known.is_removed && known.pool != Some(scan.pool) && !held {
            orphan.class = OrphanClass::Misplaced;
            scan.orphans.push(orphan);
        }
        Ok(())
    }

    async fn missing_volumes(
        &self,
        access: &PoolAccess<'_>,
        context: &StepContext,
        seen: &HashSet<Uuid>,
        scan: &mut PoolScan,
    ) -> Result<(), StepError> {
        let filter = Filter {
            owner: Some(scan.pool),
            states: vec![VolumeState::Ready.as_str()],
            ..Filter::default()
        };
        for volume in self.rooms.repository.list::<Volume>(&filter).await? {
            let object = volume.as_seen_by_plugins(volume.id).into();
            if !seen.contains(&volume.uuid)
                && self.is_missing(access, context, &volume, object).await?
            {
                scan.orphans.push(missing(
                    scan.pool,
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
        access: &PoolAccess<'_>,
        context: &StepContext,
        seen: &HashSet<Uuid>,
        scan: &mut PoolScan,
    ) -> Result<(), StepError> {
        let states = vec![SnapshotState::BackedUp.as_str()];
        let filter = Filter { zone: Some(access.pool.zone), states, ..Filter::default() };
        for snapshot in self.rooms.repository.list::<Snapshot>(&filter).await? {
            let object = snapshot.as_seen_by_plugins(snapshot.id).into();
            if snapshot.pool == scan.pool
                && !seen.contains(&snapshot.uuid)
                && self.is_missing(access, context, &snapshot, object).await?
            {
                let size = snapshot.volume.size_bytes;
                scan.orphans.push(missing(
                    scan.pool,
                    RecordKind::Snapshot,
                    &snapshot.record,
                    &snapshot.path,
                    size,
                ));
            }
        }
        Ok(())
    }

    /// Whether an object is not there, and nobody changed its record meanwhile.
    async fn is_missing<T: Record>(
        &self,
        access: &PoolAccess<'_>,
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

fn missing<T: Record>(pool: Uuid, kind: RecordKind, record: &T, path: &str, size: u64) -> Orphan {
    Orphan {
        class: OrphanClass::Missing,
        pool,
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
        _ => None,
    }
}

impl PoolAccess<'_> {
    /// Every object on the pool, page by page.
    pub(in crate::orchestration) async fn list_all(
        &self,
        context: &StepContext,
    ) -> Result<Vec<ListedObject>, StepError> {
        let mut request = ListObjectsRequest::default();
        request.limit = PAGE;
        let mut objects = Vec::new();
        loop {
            let call = context.call();
            let asked = self.driver.list_objects(&call, &self.context, request.clone());
            let page = self.guarded(&call, asked).await?;
            objects.extend(page.objects);
            if page.next_marker.is_none() {
                return Ok(objects);
            }
            if page.next_marker == request.marker {
                return Err(self.contradiction("has a next page", "is on the same page again"));
            }
            request.marker = page.next_marker;
        }
    }
}
