//! Instance snapshots and their members: one is whole, or in state Error; and no member is without
//! the one that it is a member of.

use super::{Doctor, Finding, Severity};
use crate::model::{Snapshot, VmSnapshot, VmSnapshotState};
use crate::store::{Filter, StoreError};
use std::collections::HashSet;
use uuid::Uuid;

impl Doctor {
    /// Instance snapshots that lack a member, and members without their instance snapshot.
    pub(super) async fn groups(&self) -> Result<Vec<Finding>, StoreError> {
        let repository = &self.rooms.repository;
        let groups = repository.list::<VmSnapshot>(&Filter::default()).await?;
        let snapshots = repository.list::<Snapshot>(&Filter::default()).await?;
        let is_there: HashSet<Uuid> = snapshots.iter().map(|snapshot| snapshot.uuid).collect();
        let mut findings = Vec::new();
        for group in groups.iter().filter(|group| group.state == VmSnapshotState::Ready) {
            let lacking = group.members.iter().filter(|one| !is_there.contains(one)).count();
            if lacking > 0 {
                let what = format!("it is Ready, and {lacking} of its members are not there");
                let way_out = "it cannot be reverted to any more; delete it with deleteVMSnapshot, \
                               and report it: this is a bug of the host";
                findings.push(finding("instance snapshot", &group.name, what, way_out, group.uuid));
            }
        }
        for snapshot in &snapshots {
            let Some(of) = snapshot.vm_snapshot else {
                continue;
            };
            if !groups.iter().any(|group| group.uuid == of) {
                let what = format!("it is a member of instance snapshot {of}, which is not there");
                let way_out = "nothing can be done with it but to make a volume from it; report it: \
                               this is a bug of the host";
                findings.push(finding("snapshot", &snapshot.name, what, way_out, snapshot.uuid));
            }
        }
        Ok(findings)
    }
}

fn finding(kind: &str, name: &str, what: String, way_out: &str, uuid: Uuid) -> Finding {
    Finding::new(Severity::Error, format!("{kind} {name:?}"), what, way_out).of(uuid)
}
