//! Instance snapshots: every volume of an instance at one moment.
//!
//! One file for each flow; `strategies.rs` says who does the work, `storage.rs` is the host's own
//! way, `provider.rs` that of a vendor, `barrier.rs` what one moment means.
//!
//! **Invariant:** at rest an instance snapshot is whole, or nothing can be done with it but to
//! delete it; and the volumes of an instance are all put back, or none is. Its members are
//! ordinary snapshots that come and go with it alone.

mod barrier;
mod create;
mod delete;
mod provider;
mod question;
mod revert;
mod revertible;
mod storage;
mod strategies;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, RecordKind, Snapshot, Stored, VmSnapshot};
use crate::store::{Change, Filter, Key, StoreError};
use std::sync::Arc;
use uuid::Uuid;

pub use create::CreateVmSnapshot;
pub use strategies::{Strategy, Verdict};

/// The service of instance snapshots.
#[derive(Debug, Clone)]
pub struct VmSnapshots {
    rooms: Arc<Rooms>,
}

impl VmSnapshots {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(delete::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(revert::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// An instance snapshot that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<VmSnapshot>, Failure> {
        self.rooms.find_vm_snapshot(uuid).await
    }

    /// Instance snapshots, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<VmSnapshot>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }
}

/// An instance snapshot with those of its members that are there, root first.
struct Group {
    vm_snapshot: Stored<VmSnapshot>,
    members: Vec<Stored<Snapshot>>,
}

impl Rooms {
    async fn find_vm_snapshot(&self, uuid: Uuid) -> Result<Stored<VmSnapshot>, Failure> {
        let found = self.repository.find::<VmSnapshot>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no instance snapshot {uuid}")))
    }

    async fn find_group(&self, uuid: Uuid) -> Result<Group, Failure> {
        let vm_snapshot = self.find_vm_snapshot(uuid).await?;
        let mut members = Vec::new();
        for member in &vm_snapshot.members {
            members.extend(self.repository.find::<Snapshot>(*member).await?);
        }
        Ok(Group { vm_snapshot, members })
    }

    /// The snapshots of an instance, the oldest first.
    async fn vm_snapshots_of(&self, instance: Uuid) -> Result<Vec<Stored<VmSnapshot>>, StoreError> {
        let filter = Filter { owner: Some(instance), ..Filter::default() };
        self.repository.list(&filter).await
    }

    /// The others of an instance, as they are when this one becomes the one that it is on.
    async fn no_longer_current(&self, now: &VmSnapshot) -> Result<Vec<Change>, StoreError> {
        let mut others = self.vm_snapshots_of(now.instance).await?;
        others.retain(|other| other.current && other.uuid != now.uuid);
        let changes = others.into_iter().map(|mut other| {
            other.current = false;
            Change::update(&other)
        });
        Ok(changes.collect())
    }

    /// Refuses to do to a member of an instance snapshot what is done to that alone.
    pub(super) async fn expect_on_its_own(
        &self,
        snapshot: &Snapshot,
        done: &str,
        command: &str,
    ) -> Result<(), Failure> {
        let Some(of) = snapshot.vm_snapshot else {
            return Ok(());
        };
        let found = self.repository.find_any::<VmSnapshot>(Key::Uuid(of)).await?;
        let name = found.map(|one| format!("{:?}, ", one.name)).unwrap_or_default();
        Err(Failure::conflict(format!(
            "snapshot {:?} is a member of instance snapshot {name}{of}, and is {done} with all of \
             it only: use {command}",
            snapshot.name
        )))
    }

    /// Refuses to part an instance from its volumes while it has snapshots, and asks that none
    /// comes meanwhile.
    ///
    /// # Errors
    /// `InUse`, naming them.
    pub(super) async fn expect_no_vm_snapshots(
        &self,
        instance: Uuid,
        name: &str,
    ) -> Result<Change, Failure> {
        let snapshots = self.vm_snapshots_of(instance).await?;
        if snapshots.is_empty() {
            return Ok(Change::ExpectNone { kind: RecordKind::VmSnapshot, owner: instance });
        }
        let names: Vec<String> = snapshots.iter().map(|one| format!("{:?}", one.name)).collect();
        Err(Failure::in_use(format!(
            "instance {name:?} has instance snapshots: {}; delete them first, with deleteVMSnapshot",
            names.join(", ")
        )))
    }
}
