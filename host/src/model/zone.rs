//! Zones, pods and clusters: where things are.

use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// `Basic` or `Advanced`, as clients expect one of the two.
    pub network_type: String,
    /// Whether new objects may be put there.
    pub enabled: bool,
}

impl Record for Zone {
    const KIND: RecordKind = RecordKind::Zone;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        let state = if self.enabled { "Enabled" } else { "Disabled" };
        Index { name: self.name.clone(), state, owner: None, zone: Some(self.uuid) }
    }
}

/// A pod of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// The zone it is in.
    pub zone: Uuid,
}

impl Record for Pod {
    const KIND: RecordKind = RecordKind::Pod;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        let name = self.name.clone();
        Index { name, state: "Enabled", owner: Some(self.zone), zone: Some(self.zone) }
    }
}

/// A cluster of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// The zone it is in.
    pub zone: Uuid,
    /// The pod it is in.
    pub pod: Uuid,
    /// The hypervisor of its hosts, as CloudStack writes it: `KVM`.
    pub hypervisor: String,
}

impl Record for Cluster {
    const KIND: RecordKind = RecordKind::Cluster;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        let name = self.name.clone();
        Index { name, state: "Enabled", owner: Some(self.pod), zone: Some(self.zone) }
    }
}
