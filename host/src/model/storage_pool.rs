//! A storage pool: primary storage.

use super::hypervisor_host::Host;
use super::record::{Index, Record, RecordKind};
use super::storage_pool_state::StoragePoolState;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{
    DataStore, DataStoreRole, Details, HypervisorType, PrimaryDataStoreTo, Scope,
};
use uuid::Uuid;

/// A storage pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoragePool {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: StoragePoolState,
    /// The name of its provider.
    pub provider: String,
    /// The zone it is in.
    pub zone: Uuid,
    /// From where it can be used.
    pub scope: Scope,
    /// The hypervisor whose hosts use it, of a pool of a whole zone.
    #[serde(default)]
    pub hypervisor: Option<HypervisorType>,
    /// Where its back end is.
    pub url: String,
    /// What its provider was given. May hold secrets.
    pub details: Details,
    /// What its provider made of it: how hosts reach it.
    #[serde(default)]
    pub reached_by: Option<PrimaryDataStoreTo>,
    /// The identity of its back end: the same place cannot be added twice.
    #[serde(default)]
    pub back_end_identity: Option<String>,
    /// The tags that disk offerings ask for.
    #[serde(default)]
    pub tags: Vec<String>,
    /// All its space in bytes, as the operator or the back end said.
    #[serde(default)]
    pub capacity_bytes: u64,
    /// Whether the operator said how much of the back end it may use. Otherwise the back end says.
    #[serde(default)]
    pub capacity_limited: bool,
    /// What is used of it, as the back end said last.
    #[serde(default)]
    pub used_bytes: u64,
    /// Operations per second that it may promise.
    #[serde(default)]
    pub capacity_iops: Option<u64>,
    /// How many times its space may be promised.
    pub overprovision_factor: f64,
    /// Why no operation may touch it, until an operator decides: its back end belongs to another
    /// installation, or to a later life of this one.
    #[serde(default)]
    pub quarantine: Option<String>,
    /// How many bytes a second the host moves to and from it at most, all transfers together.
    #[serde(default)]
    pub bandwidth: Option<u64>,
}

impl StoragePool {
    /// What it is called in messages.
    pub fn title(&self) -> String {
        format!("storage pool {:?}", self.name)
    }

    /// As drivers see it.
    pub fn as_seen_by_plugins(&self, id: u64, installation_id: &str, epoch: u64) -> DataStore {
        let mut store = DataStore::new(self.uuid, DataStoreRole::Primary);
        store.id = id;
        store.name.clone_from(&self.name);
        store.scope = self.scope.clone();
        store.url.clone_from(&self.url);
        store.details = self.details.clone();
        installation_id.clone_into(&mut store.installation_id);
        store.epoch = epoch;
        store
    }

    /// Whether a hypervisor host may use it: it is in its scope, and of its hypervisor.
    pub fn reaches(&self, host: &Host) -> bool {
        let hypervisor = self.hypervisor.filter(|one| *one != HypervisorType::Any);
        self.zone == host.zone
            && self.scope.cluster_id.is_none_or(|only| only == host.cluster)
            && self.scope.host_id.is_none_or(|only| only == host.uuid)
            && hypervisor.is_none_or(|only| only == host.hypervisor)
    }

    /// Takes what the back end says of its space. The operator's limit stays, where there is one.
    pub fn take_usage(&mut self, capacity_bytes: u64, used_bytes: u64) {
        self.used_bytes = used_bytes;
        if !self.capacity_limited && capacity_bytes > 0 {
            self.capacity_bytes = capacity_bytes;
        }
    }

    /// How many bytes may be promised to volumes and snapshots. The operator's limit is one: what
    /// a driver keeps by virtual sizes cannot be promised twice.
    pub fn promisable_bytes(&self) -> u64 {
        if self.capacity_limited {
            return self.capacity_bytes;
        }
        // A pool beyond 2^53 bytes may lose its last digits here, never a whole volume.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a product of two non-negative numbers, rounded"
        )]
        let promised = (self.capacity_bytes as f64 * self.overprovision_factor) as u64;
        promised
    }
}

impl Record for StoragePool {
    const KIND: RecordKind = RecordKind::StoragePool;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            // So that no cluster and no zone goes while a pool is in it.
            owner: self.scope.cluster_id.or(Some(self.zone)),
            zone: Some(self.zone),
        }
    }
}
