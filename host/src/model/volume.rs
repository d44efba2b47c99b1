//! A volume.

use super::object_in_store::Checkpoint;
use super::record::{Index, Record, RecordKind};
use super::volume_state::VolumeState;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{
    Details, ImageFormat, ProvisioningType, QualityOfService, VolumeInfo, VolumeType,
};
use uuid::Uuid;

/// A volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Its public id, which its back-end name holds.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: VolumeState,
    /// Why it is in its state, where that needs a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The zone it is in.
    pub zone: Uuid,
    /// The pool that has its bytes; `None` before the first and after the last of them.
    pub pool: Option<Uuid>,
    /// The disk offering it was made from.
    #[serde(default)]
    pub disk_offering: Option<Uuid>,
    /// The snapshot it was made from.
    #[serde(default)]
    pub snapshot: Option<Uuid>,
    /// The template it was made from.
    #[serde(default)]
    pub template: Option<Uuid>,
    /// Its virtual size in bytes.
    pub size_bytes: u64,
    /// The space it uses, as its back end said last.
    #[serde(default)]
    pub physical_size_bytes: Option<u64>,
    /// How its driver finds it.
    #[serde(default)]
    pub path: String,
    /// What the driver keeps with it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// What kind of disk it is.
    pub volume_type: VolumeType,
    /// The format of its bytes.
    pub format: ImageFormat,
    /// How space is taken.
    pub provisioning_type: ProvisioningType,
    /// What it may do.
    #[serde(default)]
    pub quality_of_service: QualityOfService,
    /// The instance that uses it.
    #[serde(default)]
    pub instance: Option<Uuid>,
    /// Which disk of the instance it is.
    #[serde(default)]
    pub device_id: Option<u32>,
    /// When it was destroyed, for the retention before it is expunged.
    #[serde(default)]
    pub destroyed_us: Option<i64>,
    /// It was released: its record is removed, its bytes are somebody else's, and nothing of this
    /// host ever deletes them.
    #[serde(default)]
    pub released: bool,
    /// Where the transfer goes on, after a crash, that brings its bytes to a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

impl Volume {
    /// As drivers see it.
    pub fn as_seen_by_plugins(&self, id: u64) -> VolumeInfo {
        let mut volume = VolumeInfo::new(self.uuid, self.name.clone(), self.size_bytes);
        volume.id = id;
        volume.path.clone_from(&self.path);
        volume.volume_type = self.volume_type;
        volume.format = self.format;
        volume.provisioning_type = self.provisioning_type;
        volume.device_id = self.device_id;
        volume.account_id = super::ACCOUNT_ID;
        volume.quality_of_service = self.quality_of_service;
        volume.details.clone_from(&self.details);
        volume
    }
}

impl Record for Volume {
    const KIND: RecordKind = RecordKind::Volume;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: self.pool,
            zone: Some(self.zone),
        }
    }
}
