//! A template or a snapshot on a data store beside the one it was born on: CloudStack's
//! `template_store_ref`, `template_spool_ref` and `snapshot_store_ref` in one record.
//!
//! **Invariant:** there is at most one of an object on a store; its claim, [`ObjectInStore::claim`],
//! says so.

use super::object_in_store_state::ObjectInStoreState;
use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use storage_plugin_api::{CheckpointToken, DataObject, DataStoreRole, Details, ImageFormat};
use uuid::Uuid;

/// An object on a data store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectInStore {
    /// Its own id. The name on the back end holds that of the object.
    pub uuid: Uuid,
    /// `Template` or `Snapshot`.
    pub kind: RecordKind,
    /// The template or snapshot.
    pub object: Uuid,
    /// The data store.
    pub store: Uuid,
    /// What kind of data store.
    pub role: DataStoreRole,
    /// The zone of the data store; `None` of the region's.
    #[serde(default)]
    pub zone: Option<Uuid>,
    /// Its state.
    pub state: ObjectInStoreState,
    /// Why it is in its state, where that needs a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the driver finds it.
    #[serde(default)]
    pub path: String,
    /// What the driver keeps with it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// The format of its bytes here.
    pub format: ImageFormat,
    /// How many bytes its file has: what is read from the store.
    #[serde(default)]
    pub length_bytes: u64,
    /// The space it uses.
    #[serde(default)]
    pub physical_size_bytes: Option<u64>,
    /// The digest of its bytes here, `{BLAKE3}hex`.
    #[serde(default)]
    pub digest: Option<String>,
    /// How many bytes were moved to make it, where it began with another object of the store and
    /// only what differs was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_bytes: Option<u64>,
    /// When a copy in an image cache was used last, in microseconds since 1970 (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_us: Option<i64>,
    /// Where its transfer goes on after a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

/// How far a transfer has come, durably.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the driver wants to see again.
    pub token: CheckpointToken,
    /// What the source said of itself, as text.
    pub source: String,
    /// The digest of what came before, to be gone on with, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl ObjectInStore {
    /// The name under which it keeps others from coming to be.
    pub fn claim(&self) -> String {
        Self::claim_of(self.store, self.object)
    }

    /// The name under which the one of an object on a store keeps others from coming to be.
    pub fn claim_of(store: Uuid, object: Uuid) -> String {
        format!("copy:{store}:{object}")
    }

    /// Whether it is on an image store, or on its way there, that serves a zone.
    pub fn is_for_images_of(&self, zone: Uuid) -> bool {
        self.role == DataStoreRole::Image && self.zone.is_none_or(|other| other == zone)
    }

    /// How far a zone has to reach for it: 0 in the zone, 1 in the region, 2 in another zone.
    pub fn distance(&self, zone: Uuid) -> u8 {
        match self.zone {
            Some(other) if other == zone => 0,
            None => 1,
            Some(_) => 2,
        }
    }

    /// How much space it takes on its store, as far as anybody knows.
    pub fn bytes(&self) -> u64 {
        self.physical_size_bytes.unwrap_or(self.length_bytes)
    }

    /// An object as drivers see it on this store.
    pub fn here(&self, object: impl Into<DataObject>) -> DataObject {
        let mut object = object.into();
        match &mut object {
            DataObject::Template(template) => {
                template.install_path.clone_from(&self.path);
                template.details.clone_from(&self.details);
                template.format = self.format;
                template.physical_size_bytes = self.length_bytes;
            }
            DataObject::Snapshot(snapshot) => {
                snapshot.path.clone_from(&self.path);
                snapshot.details.clone_from(&self.details);
                snapshot.physical_size_bytes = self.length_bytes;
            }
            _ => {}
        }
        object
    }
}

impl Record for ObjectInStore {
    const KIND: RecordKind = RecordKind::ObjectInStore;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Searched by the object (its name), and by the data store (its owner).
    fn index(&self) -> Index {
        Index {
            name: self.object.to_string(),
            state: self.state.as_str(),
            owner: Some(self.store),
            zone: self.zone,
        }
    }
}
