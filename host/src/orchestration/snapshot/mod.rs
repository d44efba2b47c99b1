//! Snapshots of volumes, on the pool that has the volume's bytes.
//!
//! One file for each flow.
//!
//! **Invariant:** `parent` of a snapshot is the newest one before it that is there, or nothing; a
//! snapshot that goes leaves its children to its own parent, in the same transaction.

mod backup;
mod copy;
mod create;
mod delete;
mod incremental;
mod on_pool;
mod revert;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, ObjectInStore, Snapshot, Stored, Volume};
use crate::store::Filter;
use std::sync::Arc;
use storage_plugin_api::SnapshotInfo;
use uuid::Uuid;

/// The service of snapshots.
#[derive(Debug, Clone)]
pub struct Snapshots {
    rooms: Arc<Rooms>,
}

impl Snapshots {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(backup::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(copy::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(delete::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(revert::Flow(Arc::clone(&rooms))));
        Self::over(rooms)
    }

    /// The same service once more, over rooms that know its flows.
    pub(super) fn over(rooms: Arc<Rooms>) -> Self {
        Self { rooms }
    }

    /// A snapshot that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<Snapshot>, Failure> {
        self.rooms.find_snapshot(uuid).await
    }

    /// Where a snapshot is, or is on its way to, beside its pool.
    ///
    /// # Errors
    /// The store's.
    pub async fn places(&self, snapshot: Uuid) -> Result<Vec<Stored<ObjectInStore>>, Failure> {
        Ok(self.rooms.places_of(snapshot).await?)
    }

    /// Snapshots, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<Snapshot>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }
}

impl Rooms {
    /// The snapshots of a volume, the oldest first.
    pub(super) async fn snapshots_of(
        &self,
        volume: Uuid,
    ) -> Result<Vec<Stored<Snapshot>>, Failure> {
        let filter = Filter { owner: Some(volume), ..Filter::default() };
        Ok(self.repository.list(&filter).await?)
    }

    /// Refuses a volume that has snapshots where it is; those on a pool that it left stay there.
    /// Whoever takes one from now on changes the volume's record, so its version tells.
    pub(super) async fn expect_no_snapshots(&self, volume: &Stored<Volume>) -> Result<(), Failure> {
        let mut snapshots = self.snapshots_of(volume.uuid).await?;
        snapshots.retain(|snapshot| snapshot.on_primary && Some(snapshot.pool) == volume.pool);
        match snapshots.first() {
            None => Ok(()),
            Some(first) => Err(Failure::in_use(format!(
                "volume {:?} has {} snapshots that need it where it is, {:?} first; delete them \
                 with deleteSnapshot, or, where they are members of an instance snapshot, with \
                 deleteVMSnapshot",
                volume.name,
                snapshots.len(),
                first.name
            ))),
        }
    }

    /// A snapshot as drivers see it, with the chain before it on the same pool.
    pub(super) async fn snapshot_info(
        &self,
        snapshot: &Stored<Snapshot>,
    ) -> Result<SnapshotInfo, Failure> {
        let mut info = snapshot.as_seen_by_plugins(snapshot.id);
        let all = self.snapshots_of(snapshot.volume.uuid).await?;
        let mut next = snapshot.parent;
        // No longer than there are snapshots, whatever their parents say.
        for _ in 0..all.len() {
            let Some(parent) = all.iter().find(|one| Some(one.uuid) == next) else {
                break;
            };
            if parent.on_primary && parent.pool == snapshot.pool {
                info.parents.push(parent.path.clone());
            }
            next = parent.parent;
        }
        info.parent_path = info.parents.first().cloned();
        // The contract tells the oldest first.
        info.parents.reverse();
        Ok(info)
    }
}
