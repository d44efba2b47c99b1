//! The attachment of a volume to an instance, with what a hypervisor needs to reach it.

use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use storage_plugin_api::ConnectionInfo;
use uuid::Uuid;

/// A volume that an instance uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its own id.
    pub uuid: Uuid,
    /// The volume.
    pub volume: Uuid,
    /// The instance.
    pub instance: Uuid,
    /// The hypervisor host that was granted access, if one was.
    #[serde(default)]
    pub host: Option<Uuid>,
    /// Which disk of the instance it is.
    pub device_id: u32,
    /// How the hypervisor host reaches the volume. May hold CHAP secrets.
    #[serde(default)]
    pub connection: Option<ConnectionInfo>,
}

impl Record for Attachment {
    const KIND: RecordKind = RecordKind::Attachment;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index { name: self.instance.to_string(), state: "", owner: Some(self.volume), zone: None }
    }
}
