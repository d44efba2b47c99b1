//! What the driver of its pool does with a snapshot, and what follows for the records: the parts
//! that a snapshot of one volume and a member of an instance snapshot have in common.
//!
//! What it is not: the states; they are the flows' affair.

use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, MANUAL, RecordKind, Snapshot, SnapshotState, Stored, Volume};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use storage_plugin_api::{
    Details, DriverLimits, RevertSnapshotRequest, SnapshotInfo, TakeSnapshotRequest,
};
use uuid::Uuid;

impl Rooms {
    /// The record of a new snapshot of a volume as it is, and what it takes for granted.
    ///
    /// # Errors
    /// `CapacityExceeded` where the pool keeps no more snapshots of the volume.
    pub(in crate::orchestration) async fn plan_snapshot(
        &self,
        access: &PoolAccess<'_>,
        volume: &Stored<Volume>,
        limits: &DriverLimits,
        name: Option<String>,
    ) -> Result<(Snapshot, Vec<Change>), Failure> {
        let mut others = self.snapshots_of(volume.uuid).await?;
        // Those that were archived take no place there, and are nobody's parents.
        others.retain(|other| other.on_primary && other.pool == access.pool.uuid);
        let limit = limits.snapshots_per_volume;
        if let Some(limit) = limit.filter(|limit| others.len() >= *limit as usize) {
            return Err(Failure::no_room(format!(
                "volume {:?} has {} snapshots, and storage pool {:?} keeps {limit} of a volume at \
                 most; delete one first",
                volume.name,
                others.len(),
                access.pool.name
            )));
        }
        let is_there = |other: &&Stored<Snapshot>| other.state == SnapshotState::BackedUp;
        let parent = others.iter().rfind(is_there).map(|parent| parent.uuid);
        let uuid = Uuid::new_v4();
        let snapshot = Snapshot {
            uuid,
            name: name.unwrap_or_else(|| format!("{}_{uuid}", volume.name)),
            state: SnapshotState::Allocated,
            note: None,
            volume: volume.record.clone(),
            volume_id: volume.id,
            pool: access.pool.uuid,
            on_primary: true,
            parent,
            path: String::new(),
            physical_size_bytes: None,
            details: Details::new(),
            snapshot_type: MANUAL.to_owned(),
            vm_snapshot: None,
            policy: None,
        };
        let mut changes = vec![expect_in_use(snapshot.pool)];
        // A parent that goes at this moment would not know of its new child.
        changes.extend(parent.map(|parent| {
            Change::expect(RecordKind::Snapshot, parent, SnapshotState::BackedUp.as_str())
        }));
        Ok((snapshot, changes))
    }

    /// Lets the driver take a snapshot, and believes it when it is there.
    pub(in crate::orchestration) async fn take_on_pool(
        &self,
        context: &StepContext,
        snapshot: &mut Stored<Snapshot>,
    ) -> Result<(), StepError> {
        let pool = self.access(snapshot.pool).await?;
        let ask = TakeSnapshotRequest::new(self.snapshot_info(snapshot).await?);
        let call = context.call();
        let taken = pool.driver.take_snapshot(&call, &pool.context, ask);
        let taken = pool.guarded(&call, taken).await?;
        snapshot.path = taken.path;
        snapshot.details = taken.details;
        snapshot.physical_size_bytes = taken.physical_size_bytes;
        self.expect_taken(context, snapshot).await
    }

    /// Looks whether a snapshot that was taken is there, and what its back end says of it.
    pub(in crate::orchestration) async fn expect_taken(
        &self,
        context: &StepContext,
        snapshot: &mut Stored<Snapshot>,
    ) -> Result<(), StepError> {
        let pool = self.access(snapshot.pool).await?;
        let shown = pool.describe(context, self.snapshot_info(snapshot).await?).await?;
        if !shown.present {
            return Err(pool.contradiction("took the snapshot", "is not there"));
        }
        if snapshot.path.is_empty() {
            snapshot.path = shown.path;
        }
        snapshot.physical_size_bytes = shown.physical_size_bytes.or(snapshot.physical_size_bytes);
        Ok(())
    }

    /// Removes a snapshot from its pool.
    pub(in crate::orchestration) async fn delete_on_pool(
        &self,
        context: &StepContext,
        snapshot: &Stored<Snapshot>,
    ) -> Result<(), StepError> {
        let pool = self.access(snapshot.pool).await?;
        pool.delete(context, self.snapshot_info(snapshot).await?).await
    }

    /// Whether a snapshot is on its pool.
    pub(in crate::orchestration) async fn is_on_pool(
        &self,
        context: &StepContext,
        snapshot: &Stored<Snapshot>,
    ) -> Result<bool, StepError> {
        let pool = self.access(snapshot.pool).await?;
        Ok(pool.describe(context, self.snapshot_info(snapshot).await?).await?.present)
    }

    /// Lets the driver put a volume back to a snapshot, and looks what it is then.
    pub(in crate::orchestration) async fn revert_on_pool(
        &self,
        context: &StepContext,
        snapshot: &Stored<Snapshot>,
        volume: &mut Stored<Volume>,
    ) -> Result<(), StepError> {
        let pool = self.access(snapshot.pool).await?;
        let call = context.call();
        let ask = RevertSnapshotRequest::new(self.snapshot_info_with(snapshot, volume).await?);
        let reverted = pool.driver.revert_snapshot(&call, &pool.context, ask);
        pool.guarded(&call, reverted).await?;
        self.expect_reverted(context, snapshot, volume).await
    }

    /// Looks what a volume is that was put back to a snapshot.
    pub(in crate::orchestration) async fn expect_reverted(
        &self,
        context: &StepContext,
        snapshot: &Stored<Snapshot>,
        volume: &mut Stored<Volume>,
    ) -> Result<(), StepError> {
        let pool = self.access(snapshot.pool).await?;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if !shown.present {
            return Err(pool.contradiction("put the volume back", "is not there"));
        }
        if shown.size_bytes < snapshot.volume.size_bytes {
            return Err(pool.contradiction("put the volume back", "is smaller than the snapshot"));
        }
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes;
        volume.note = None;
        Ok(())
    }

    /// A snapshot as drivers see it, of its volume as that is now.
    pub(in crate::orchestration) async fn snapshot_info_with(
        &self,
        snapshot: &Stored<Snapshot>,
        volume: &Stored<Volume>,
    ) -> Result<SnapshotInfo, Failure> {
        let mut info = self.snapshot_info(snapshot).await?;
        info.volume = Box::new(volume.as_seen_by_plugins(volume.id));
        Ok(info)
    }

    /// The record of a snapshot whose bytes are gone, as it is now; its children become those of
    /// its parent. None can be added meanwhile: a snapshot that is being removed becomes nobody's
    /// parent.
    pub(in crate::orchestration) async fn without_snapshot(
        &self,
        snapshot: &Stored<Snapshot>,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for mut other in self.snapshots_of(snapshot.volume.uuid).await? {
            if other.parent == Some(snapshot.uuid) {
                other.parent = snapshot.parent;
                changes.push(Change::update(&other));
            }
        }
        changes.extend([Change::update(snapshot), Change::remove(&snapshot.record)]);
        Ok(changes)
    }
}
