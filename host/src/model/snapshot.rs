//! A snapshot of a volume.

use super::record::{Index, Record, RecordKind};
use super::snapshot_state::SnapshotState;
use super::volume::Volume;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{Details, SnapshotInfo};
use uuid::Uuid;

/// The type of a snapshot that somebody asked for.
pub const MANUAL: &str = "MANUAL";
/// The type of a snapshot that is a member of an instance snapshot.
pub const GROUP: &str = "GROUP";

/// A snapshot of a volume. Where it is on image stores is said by its
/// [`ObjectInStore`](super::ObjectInStore)s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its public id, which its back-end name holds.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: SnapshotState,
    /// Why it is in its state, where that needs a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The volume as it was when the snapshot was taken.
    pub volume: Volume,
    /// The internal number of the volume.
    pub volume_id: u64,
    /// The pool where it was taken.
    pub pool: Uuid,
    /// Whether the pool has its bytes still; one that was archived is on image stores only.
    #[serde(default = "on_primary")]
    pub on_primary: bool,
    /// The snapshot that was the volume's newest when this one was taken.
    #[serde(default)]
    pub parent: Option<Uuid>,
    /// How its driver finds it.
    #[serde(default)]
    pub path: String,
    /// The space it uses, as its back end said last.
    #[serde(default)]
    pub physical_size_bytes: Option<u64>,
    /// What the driver keeps with it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// [`MANUAL`], [`GROUP`], or the interval of the policy that took it.
    pub snapshot_type: String,
    /// The instance snapshot that it is a member of; with that it comes and goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm_snapshot: Option<Uuid>,
    /// The run of a policy that it was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyRun>,
}

/// A run of a snapshot policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRun {
    /// The policy.
    pub policy: Uuid,
    /// The moment that was due, in microseconds since 1970 (UTC).
    pub due_us: i64,
}

const fn on_primary() -> bool {
    true
}

impl Snapshot {
    /// As drivers see it.
    pub fn as_seen_by_plugins(&self, id: u64) -> SnapshotInfo {
        let volume = self.volume.as_seen_by_plugins(self.volume_id);
        let mut snapshot = SnapshotInfo::new(self.uuid, self.name.clone(), volume);
        snapshot.id = id;
        snapshot.path.clone_from(&self.path);
        snapshot.account_id = super::ACCOUNT_ID;
        snapshot.physical_size_bytes = self.physical_size_bytes.unwrap_or_default();
        snapshot.details.clone_from(&self.details);
        snapshot
    }
}

impl Record for Snapshot {
    const KIND: RecordKind = RecordKind::Snapshot;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: Some(self.volume.uuid),
            zone: Some(self.volume.zone),
        }
    }
}
