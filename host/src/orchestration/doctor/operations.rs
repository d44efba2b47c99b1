//! Operations that wait or rest; claims and states that no operation accounts for.

use super::{Doctor, Finding, Severity};
use crate::model::{
    Host, HostState, Moment, Operation, Record, RecordKind, Snapshot, SnapshotState, StoragePool,
    StoragePoolState, VmSnapshot, VmSnapshotState, Volume, VolumeState,
};
use crate::store::{Claim, Filter, StoreError};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The states that only an operation leads out of.
const VOLUME: &[&str] = &[
    VolumeState::Allocated.as_str(),
    VolumeState::Creating.as_str(),
    VolumeState::Attaching.as_str(),
    VolumeState::Resizing.as_str(),
    VolumeState::Snapshotting.as_str(),
    VolumeState::RevertSnapshotting.as_str(),
    VolumeState::Migrating.as_str(),
    VolumeState::Expunging.as_str(),
];
const SNAPSHOT: &[&str] = &[
    SnapshotState::Allocated.as_str(),
    SnapshotState::Creating.as_str(),
    SnapshotState::Destroying.as_str(),
];
const VM_SNAPSHOT: &[&str] = &[
    VmSnapshotState::Allocated.as_str(),
    VmSnapshotState::Creating.as_str(),
    VmSnapshotState::Reverting.as_str(),
    VmSnapshotState::Expunging.as_str(),
];
const STORAGE_POOL: &[&str] = &[
    StoragePoolState::Initial.as_str(),
    StoragePoolState::Initialized.as_str(),
    StoragePoolState::Attaching.as_str(),
    StoragePoolState::PrepareForMaintenance.as_str(),
    StoragePoolState::CancelMaintenance.as_str(),
];
const HOST: &[&str] = &[HostState::Removing.as_str()];

impl Doctor {
    /// Operations that wait for something, or that nobody works on.
    pub(super) async fn operations(&self) -> Result<Vec<Finding>, StoreError> {
        let unfinished = self.rooms.repository.unfinished_operations().await?;
        Ok(unfinished.iter().filter_map(|operation| self.operation(operation)).collect())
    }

    fn operation(&self, operation: &Operation) -> Option<Finding> {
        let thing = format!("operation {} ({})", operation.uuid, operation.flow);
        let finding = if let Some(what) = &operation.waiting_for {
            Finding::new(
                Severity::Warning,
                thing,
                format!(
                    "it is {} and waits, in attempt {}: {what}",
                    operation.phase, operation.attempt
                ),
                format!(
                    "mend what it waits for; it goes on by itself. `storage-host operations cancel \
                     {}` turns one back that is not undone already",
                    operation.uuid
                ),
            )
        } else if !self.rooms.jobs.is_running(operation.uuid) {
            Finding::new(
                Severity::Error,
                thing,
                format!("it is {} and nobody works on it", operation.phase),
                "start the host again: every operation goes on then; the log says why it rests",
            )
        } else {
            return None;
        };
        Some(finding.of(operation.uuid).since(waits_since(operation)))
    }

    /// Claims without a living operation, and records in a state that only an operation leads out
    /// of, which none has.
    pub(super) async fn claims_and_states(&self) -> Result<Vec<Finding>, StoreError> {
        let mut held: HashSet<Uuid> = HashSet::new();
        let mut of_operations: Vec<Claim> = Vec::new();
        for claim in self.rooms.repository.list_claims().await? {
            let object = claim.name.split(':').nth(1).and_then(|text| Uuid::try_parse(text).ok());
            if claim.name.starts_with("object:") || claim.name.starts_with("use:") {
                held.extend(object);
                of_operations.push(claim);
            }
        }
        let mut findings = self.idle::<Volume>(VOLUME, &held).await?;
        findings.extend(self.idle::<Snapshot>(SNAPSHOT, &held).await?);
        findings.extend(self.idle::<VmSnapshot>(VM_SNAPSHOT, &held).await?);
        findings.extend(self.idle::<StoragePool>(STORAGE_POOL, &held).await?);
        findings.extend(self.idle::<Host>(HOST, &held).await?);
        let mut lives: HashMap<Uuid, bool> = HashMap::new();
        for claim in of_operations {
            let lives = match lives.get(&claim.holder) {
                Some(lives) => *lives,
                None => {
                    let holder = self.rooms.repository.find_operation(claim.holder).await?;
                    let is_alive = holder.is_some_and(|operation| !operation.phase.is_final());
                    lives.insert(claim.holder, is_alive);
                    is_alive
                }
            };
            if !lives {
                findings.push(dead_claim(&claim));
            }
        }
        Ok(findings)
    }

    async fn idle<T: Record>(
        &self,
        states: &[&'static str],
        held: &HashSet<Uuid>,
    ) -> Result<Vec<Finding>, StoreError> {
        let filter = Filter { states: states.to_vec(), ..Filter::default() };
        let records = self.rooms.repository.list::<T>(&filter).await?;
        Ok(records
            .iter()
            .filter(|stored| !held.contains(&stored.record.uuid()))
            .map(|stored| {
                let index = stored.record.index();
                Finding::new(
                    Severity::Error,
                    format!("{} {:?}", in_words(T::KIND), index.name),
                    format!("it is {} and no operation works on it", index.state),
                    "this is a bug of the host: report it with the output of `storage-host \
                     operations list --objectid` of its id",
                )
                .of(stored.record.uuid())
                .since(Some(stored.updated_us))
            })
            .collect())
    }
}

fn dead_claim(claim: &Claim) -> Finding {
    Finding::new(
        Severity::Error,
        format!("claim {}", claim.name),
        format!("it is held by {}, which is no operation that lives", claim.holder),
        "this is a bug of the host: report it; what is claimed can be used again after the claim \
         was removed from the store",
    )
    .since(Some(claim.since_us))
}

/// Since when an operation waits: the first of the waits of its present step.
fn waits_since(operation: &Operation) -> Option<i64> {
    let entries = operation.journal.entries();
    let step = &entries.last()?.step;
    let waits = entries
        .iter()
        .rev()
        .take_while(|entry| entry.moment == Moment::Waiting && entry.step == *step);
    waits.last().map(|entry| entry.at_us)
}

/// `storage_pool` as people say it.
fn in_words(kind: RecordKind) -> String {
    kind.as_str().replace('_', " ")
}
