//! A snapshot policy: that snapshots of a volume are taken by a schedule, and how long they stay.
//!
//! What it is not: the schedule's arithmetic ([`Schedule`]), nor what happens when it is due
//! (`orchestration::snapshot_policy`).
//!
//! **Invariants:** a volume has at most one policy of an interval. `last_due_us` moves in the
//! transaction that begins the snapshot of that moment, so that a moment has one snapshot, whatever
//! is killed in between.

use super::record::{Index, Record, RecordKind};
use super::schedule::Schedule;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A snapshot policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotPolicy {
    /// Its public id.
    pub uuid: Uuid,
    /// The volume that it is about.
    pub volume: Uuid,
    /// The zone of the volume.
    pub zone: Uuid,
    /// When it is due.
    pub schedule: Schedule,
    /// How many of its snapshots stay.
    pub max_snapshots: u32,
    /// How old its snapshots may become, in seconds; `None` where only their number counts.
    #[serde(default)]
    pub max_age_seconds: Option<u64>,
    /// Whether its snapshots are copied to an image store.
    #[serde(default)]
    pub backup: bool,
    /// Whether they leave their pool then.
    #[serde(default)]
    pub archive: bool,
    /// The zones whose image stores have copies as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy_to_zones: Vec<Uuid>,
    /// Whether it is shown to users.
    pub is_displayed: bool,
    /// The moment for which it took a snapshot last, or when it was made.
    pub last_due_us: i64,
    /// Whether all its snapshots are where they are to be, and none is left that should go.
    pub is_settled: bool,
    /// How many moments in a row went by without a snapshot.
    #[serde(default)]
    pub failed_runs: u32,
    /// Why its last snapshot was not taken, or is not yet, until one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why a snapshot of it is not where it is to be, or not gone, until all is as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<String>,
}

impl SnapshotPolicy {
    /// What is wrong with it, the worse thing first.
    pub fn trouble(&self) -> Option<&str> {
        self.note.as_deref().or(self.backlog.as_deref())
    }
}

impl Record for SnapshotPolicy {
    const KIND: RecordKind = RecordKind::SnapshotPolicy;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Its name is the word of its interval, which is unique within a volume.
    fn index(&self) -> Index {
        Index {
            name: self.schedule.interval.as_str().to_owned(),
            state: if self.is_settled { "Settled" } else { "Unsettled" },
            owner: Some(self.volume),
            zone: Some(self.zone),
        }
    }
}
