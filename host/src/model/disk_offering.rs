//! Disk offerings: what sizes and qualities of volumes people may choose.

use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use storage_plugin_api::{ProvisioningType, QualityOfService};
use uuid::Uuid;

/// A disk offering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskOffering {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// What people read of it.
    pub display_text: String,
    /// The size of its volumes in bytes; `None` lets the caller choose.
    pub size_bytes: Option<u64>,
    /// How space is taken.
    pub provisioning_type: ProvisioningType,
    /// What the volumes may do.
    #[serde(default)]
    pub quality_of_service: QualityOfService,
    /// The tags that a pool must have for its volumes.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether people may still choose it.
    pub active: bool,
}

impl Record for DiskOffering {
    const KIND: RecordKind = RecordKind::DiskOffering;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        let state = if self.active { "Active" } else { "Inactive" };
        Index { name: self.name.clone(), state, owner: None, zone: None }
    }
}
