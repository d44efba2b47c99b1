//! An instance snapshot: all volumes of an instance at one moment.
//!
//! The bytes are those of its members, which are ordinary snapshots that name it; what is here is
//! what holds them together.

use super::record::{Index, Record, RecordKind};
use super::vm_snapshot_state::VmSnapshotState;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{Details, VmSnapshotType};
use uuid::Uuid;

/// An instance snapshot (CloudStack's `VMSnapshot`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VmSnapshot {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name; no other one of the instance has it.
    pub name: String,
    /// What somebody wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its state.
    pub state: VmSnapshotState,
    /// Why it is in its state, where that needs a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The instance.
    pub instance: Uuid,
    /// The zone it is in.
    pub zone: Uuid,
    /// Whether it holds memory as well.
    pub snapshot_type: VmSnapshotType,
    /// The guest was asked to quiesce.
    #[serde(default)]
    pub quiesce_vm: bool,
    /// The one that the instance was on when this one was taken.
    #[serde(default)]
    pub parent: Option<Uuid>,
    /// The instance is on it: it is the newest one, or the one that was reverted to last. Of an
    /// instance at most one is.
    #[serde(default)]
    pub current: bool,
    /// The provider whose strategy took it; `None` where the host itself did.
    #[serde(default)]
    pub strategy: Option<String>,
    /// What the strategy answered when it took it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// The snapshots of the volumes, root first, as they were when it was taken.
    pub members: Vec<Uuid>,
}

impl Record for VmSnapshot {
    const KIND: RecordKind = RecordKind::VmSnapshot;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: Some(self.instance),
            zone: Some(self.zone),
        }
    }
}
