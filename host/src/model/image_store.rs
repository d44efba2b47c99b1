//! An image store or an image cache: secondary storage.

use super::image_store_state::ImageStoreState;
use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use storage_plugin_api::{DataStore, DataStoreProviderType, DataStoreRole, Details, Scope};
use uuid::Uuid;

/// An image store, or an image cache (CloudStack's secondary staging store).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageStore {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ImageStoreState,
    /// The name of its provider.
    pub provider: String,
    /// `Image`, or `ImageCache`.
    pub role: DataStoreRole,
    /// From where it can be used: a zone, or the region.
    pub scope: Scope,
    /// Where its back end is.
    pub url: String,
    /// What its provider was given. May hold secrets.
    pub details: Details,
    /// The identity of its back end: the same place cannot be added twice.
    #[serde(default)]
    pub back_end_identity: Option<String>,
    /// It takes nothing new; what it has can be read and removed.
    #[serde(default)]
    pub read_only: bool,
    /// The one of the highest weight takes what is new; of equal ones that with the most room.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// All its space in bytes, as the operator or the back end said; 0 where nobody did.
    #[serde(default)]
    pub capacity_bytes: u64,
    /// Whether the operator said how much of the back end it may use. Otherwise the back end says.
    #[serde(default)]
    pub capacity_limited: bool,
    /// What is used of it, as the back end said last.
    #[serde(default)]
    pub used_bytes: u64,
    /// Why no operation may touch it, until an operator decides.
    #[serde(default)]
    pub quarantine: Option<String>,
    /// How many bytes a second the host moves to and from it at most, all transfers together.
    #[serde(default)]
    pub bandwidth: Option<u64>,
}

/// The weight of a store that was given none: there is room below it and above.
pub const DEFAULT_WEIGHT: u32 = 100;

fn default_weight() -> u32 {
    DEFAULT_WEIGHT
}

impl ImageStore {
    /// As drivers see it.
    pub fn as_seen_by_plugins(&self, id: u64, installation_id: &str, epoch: u64) -> DataStore {
        let mut store = DataStore::new(self.uuid, self.role);
        store.id = id;
        store.name.clone_from(&self.name);
        store.scope = self.scope.clone();
        store.url.clone_from(&self.url);
        store.details = self.details.clone();
        installation_id.clone_into(&mut store.installation_id);
        store.epoch = epoch;
        store
    }

    /// The type under which its provider serves it.
    pub fn provider_type(&self) -> DataStoreProviderType {
        match self.role {
            DataStoreRole::ImageCache => DataStoreProviderType::ImageCache,
            _ => DataStoreProviderType::Image,
        }
    }

    /// Whether what a zone needs may lie here.
    pub fn serves(&self, zone: Uuid) -> bool {
        self.scope.zone_id.is_none_or(|only| only == zone)
    }

    /// What it is called in messages.
    pub fn title(&self) -> String {
        match self.role {
            DataStoreRole::ImageCache => format!("image cache {:?}", self.name),
            _ => format!("image store {:?}", self.name),
        }
    }

    /// Takes what the back end says of its space. The operator's limit stays, where there is one.
    pub fn take_usage(&mut self, capacity_bytes: u64, used_bytes: u64) {
        self.used_bytes = used_bytes;
        if !self.capacity_limited {
            self.capacity_bytes = capacity_bytes;
        }
    }
}

impl Record for ImageStore {
    const KIND: RecordKind = RecordKind::ImageStore;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: None,
            zone: self.scope.zone_id,
        }
    }
}
