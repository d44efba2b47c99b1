//! What the tests of flows stand on: a host in memory, whose one provider keeps objects in memory,
//! counts who has access, and fails as it is told.

mod images;
mod scripted;

pub(crate) use images::qcow2;
pub(crate) use scripted::Scripted;

use super::storage_pool::CreateStoragePool;
use super::volume::CreateVolume;
use super::{Orchestration, Policy, RequestContext, Rooms, RoomsParts, Started};
use crate::model::{
    Caller, Cluster, Failure, Host, HostState, Operation, Phase, Stored, Volume, Zone,
};
use crate::registry::DataStoreProviderManager;
use crate::store::{Change, Filter, Key, Store};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{Details, HypervisorType, Scope};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const MIB: u64 = 1 << 20;

/// A host with one zone, one hypervisor host and one provider.
pub(crate) struct World {
    pub(crate) orchestration: Orchestration,
    pub(crate) provider: Scripted,
    pub(crate) zone: Uuid,
    pub(crate) host: Uuid,
    dir: TempDir,
    files: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_policy(Policy::default()).await
    }

    pub(crate) async fn with_policy(policy: Policy) -> Self {
        let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let provider = Scripted::default();
        let parts = parts(&provider, dir.path(), files.path(), policy);
        let orchestration = Orchestration::new(Arc::new(Rooms::new(parts)));
        orchestration.zones.seed().await.unwrap();
        let (zone, host) = (Uuid::nil(), Uuid::nil());
        let mut world = Self { orchestration, provider, zone, host, dir, files };
        world.zone = world.zones().await.uuid;
        world.host = world.first_host().await;
        world
    }

    /// The hypervisor host of a new installation, which is added by an operation.
    async fn first_host(&self) -> Uuid {
        for operation in self.rooms().repository.unfinished_operations().await.unwrap() {
            self.rooms().jobs.wait(operation.uuid).await.unwrap();
        }
        self.rooms().repository.list::<Host>(&Filter::default()).await.unwrap()[0].uuid
    }

    async fn zones(&self) -> Stored<Zone> {
        self.orchestration.zones.list(&Filter::default()).await.unwrap().remove(0)
    }

    pub(crate) fn rooms(&self) -> &Arc<Rooms> {
        self.orchestration.rooms()
    }

    pub(crate) async fn add_host(&self, name: &str) -> Uuid {
        let clusters = self.orchestration.zones.list::<Cluster>(&Filter::default()).await.unwrap();
        let host = Host {
            uuid: Uuid::new_v4(),
            name: name.to_owned(),
            state: HostState::Up,
            hypervisor: HypervisorType::Kvm,
            zone: self.zone,
            pod: clusters[0].pod,
            cluster: clusters[0].uuid,
            address: None,
            storage_address: None,
            initiator: None,
            world_wide_port_names: Vec::new(),
            warning: None,
        };
        self.rooms().repository.transact(vec![Change::insert(&host)]).await.unwrap();
        host.uuid
    }

    pub(crate) async fn pool(&self, area: &str) -> Uuid {
        let wish = CreateStoragePool {
            name: area.to_owned(),
            url: format!("memory://{area}"),
            scope: Scope::zone(self.zone),
            zone: self.zone,
            hypervisor: None,
            provider: Some("In Memory".to_owned()),
            details: [("area", area)].into_iter().collect::<Details>(),
            tags: Vec::new(),
            capacity_bytes: Some(1 << 30),
            capacity_iops: None,
        };
        let begun = self.orchestration.storage_pools.create(&request(), wish).await;
        self.done(begun).await.object
    }

    /// A blank volume.
    pub(crate) async fn volume(&self, pool: Uuid, size_bytes: u64) -> Uuid {
        let wish = CreateVolume {
            zone: Some(self.zone),
            size_bytes: Some(size_bytes),
            pool: Some(pool),
            ..CreateVolume::default()
        };
        let begun = self.orchestration.volumes.create(&request(), wish).await;
        self.done(begun).await.object
    }

    /// A volume as its record has it now, removed or not.
    pub(crate) async fn see(&self, volume: Uuid) -> Stored<Volume> {
        let found = self.rooms().repository.find_any::<Volume>(Key::Uuid(volume)).await.unwrap();
        found.unwrap()
    }

    /// Waits until an operation rests, done.
    pub(crate) async fn done(&self, begun: Result<Started, Failure>) -> Started {
        let begun = begun.unwrap();
        let operation = self.rests(begun).await;
        assert_eq!(operation.phase, Phase::Done, "{:?}", operation.failure);
        begun
    }

    /// Waits until an operation rests, undone, and gives the reason.
    pub(crate) async fn undone(&self, begun: Result<Started, Failure>) -> Failure {
        let operation = self.rests(begun.unwrap()).await;
        assert_eq!(operation.phase, Phase::Undone);
        operation.failure.unwrap()
    }

    pub(crate) async fn rests(&self, begun: Started) -> Operation {
        let rests = self.rooms().jobs.wait(begun.operation);
        tokio::time::timeout(Duration::from_secs(60), rests).await.unwrap().unwrap()
    }

    /// How much of a pool is promised to whom.
    pub(crate) async fn reserved(&self, pool: Uuid, owner: Uuid) -> Option<u64> {
        let all = self.rooms().repository.reservations(pool).await.unwrap();
        all.into_iter().find(|(one, _)| *one == owner).map(|(_, bytes)| bytes)
    }

    /// Nothing is held by anybody.
    pub(crate) async fn nothing_is_held(&self) {
        let claims = self.rooms().repository.list_claims().await.unwrap();
        let held: Vec<_> = claims
            .into_iter()
            .filter(|claim| claim.name.starts_with("object:") || claim.name.starts_with("use:"))
            .collect();
        assert!(held.is_empty(), "{held:?}");
    }
}

/// What a host stands on that lives in a directory.
fn parts(provider: &Scripted, store: &Path, files: &Path, mut policy: Policy) -> RoomsParts {
    policy.images.directories.push(files.canonicalize().unwrap());
    policy.images.spool = files.to_owned();
    let providers = Arc::new(DataStoreProviderManager::new());
    let report = json!({
        "name": "memory", "kind": "volume", "isolation": "in-process", "required": true,
        "state": "Ready", "path": "/plugins/volume/libmemory.so",
        "provider": {
            "name": "In Memory", "types": ["PRIMARY", "IMAGE", "ImageCache"], "scopes": ["ZONE"],
            "host_listener": true, "vm_snapshot_strategy": false,
            "settings_schema": {}, "input_schemas": [],
        },
    });
    let report = serde_json::from_value(report).unwrap();
    providers.put(0, report, Some(Arc::new(provider.clone())), None);
    RoomsParts {
        repository: Store::open(store).unwrap().repository(),
        providers,
        policy,
        windows: Box::new(|_| Duration::from_secs(60)),
    }
}

pub(crate) fn request() -> RequestContext {
    RequestContext { caller: Caller::admin(), command: "test".to_owned() }
}
