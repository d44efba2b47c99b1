//! A host's rooms in a directory of their own, with the recording provider in them.

use super::recorder::{NAME, Recorder};
use crate::model::{Failure, Host, Operation, Phase, StoragePool, Stored, Volume, Zone};
use crate::orchestration::storage_pool::CreateStoragePool;
use crate::orchestration::volume::CreateVolume;
use crate::orchestration::{Orchestration, Policy, RequestContext, Rooms, RoomsParts, Started};
use crate::registry::DataStoreProviderManager;
use crate::store::{Filter, Repository, Store};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{DataStoreProvider, DataStoreProviderType, Details, Scope};
use tempfile::TempDir;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(30);

pub(in crate::orchestration) struct World {
    pub(in crate::orchestration) host: Orchestration,
    pub(in crate::orchestration) recorder: Recorder,
    pub(in crate::orchestration) registry: Arc<DataStoreProviderManager>,
    directory: TempDir,
}

pub(in crate::orchestration) fn request() -> RequestContext {
    RequestContext::system("test")
}

impl World {
    /// A new installation, with what it begins with.
    pub(in crate::orchestration) async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Recorder::default(), true).await
    }

    /// The same installation after a start of the host, with or without the provider.
    pub(in crate::orchestration) async fn restarted(self, with_provider: bool) -> Self {
        let repository = Arc::clone(self.repository());
        tokio::task::spawn_blocking(move || repository.close()).await.unwrap();
        Self::open(self.directory, self.recorder, with_provider).await
    }

    async fn open(directory: TempDir, recorder: Recorder, with_provider: bool) -> Self {
        let registry = Arc::new(DataStoreProviderManager::new());
        let rooms = Rooms::new(RoomsParts {
            repository: Store::open(directory.path()).unwrap().repository(),
            providers: Arc::clone(&registry),
            policy: Policy { default_primary_provider: NAME.to_owned(), ..Policy::default() },
            windows: Box::new(|_| DEADLINE),
        });
        let host = Orchestration::new(Arc::new(rooms));
        let world = Self { host, recorder, registry, directory };
        if with_provider {
            world.add_provider();
        }
        world.host.resume().await.unwrap();
        for operation in world.repository().unfinished_operations().await.unwrap() {
            world.host.rooms().jobs.wait(operation.uuid).await.unwrap();
        }
        world
    }

    /// The provider is loaded.
    pub(in crate::orchestration) fn add_provider(&self) {
        let schema = self.recorder.get_input_schema(DataStoreProviderType::Primary);
        let report = json!({
            "name": "recorder", "kind": "volume", "isolation": "in-process", "required": false,
            "state": "Ready", "path": "/nowhere",
            "provider": {
                "name": NAME, "types": ["PRIMARY"], "scopes": ["ZONE"],
                "host_listener": true, "vm_snapshot_strategy": false,
                "settings_schema": {}, "input_schemas": [["PRIMARY", schema.as_value()]],
            },
        });
        let report = serde_json::from_value(report).unwrap();
        self.registry.put(0, report, Some(Arc::new(self.recorder.clone())), None);
    }

    pub(in crate::orchestration) fn repository(&self) -> &Arc<dyn Repository> {
        &self.host.rooms().repository
    }

    pub(in crate::orchestration) async fn zone(&self) -> Uuid {
        self.host.zones.list::<Zone>(&Filter::default()).await.unwrap()[0].uuid
    }

    /// The hypervisor host of the seed.
    pub(in crate::orchestration) async fn first_host(&self) -> Stored<Host> {
        self.host.hypervisor_hosts.list(&Filter::default()).await.unwrap().remove(0)
    }

    /// What came of an operation.
    pub(in crate::orchestration) async fn ended(
        &self,
        started: Result<Started, Failure>,
    ) -> Operation {
        let operation = started.unwrap().operation;
        let ended = self.host.rooms().jobs.wait(operation);
        tokio::time::timeout(DEADLINE, ended).await.unwrap().unwrap()
    }

    /// An operation is done.
    pub(in crate::orchestration) async fn done(&self, started: Result<Started, Failure>) -> Uuid {
        let object = started.as_ref().unwrap().object;
        let operation = self.ended(started).await;
        assert_eq!(operation.phase, Phase::Done, "{:?}", operation.failure);
        object
    }

    /// An operation is undone, for this reason.
    pub(in crate::orchestration) async fn undone(
        &self,
        started: Result<Started, Failure>,
    ) -> Failure {
        let operation = self.ended(started).await;
        assert_eq!(operation.phase, Phase::Undone);
        operation.failure.unwrap()
    }

    pub(in crate::orchestration) async fn wish(&self, name: &str, area: &str) -> CreateStoragePool {
        let zone = self.zone().await;
        CreateStoragePool {
            name: name.to_owned(),
            url: "memory:///".to_owned(),
            scope: Scope::zone(zone),
            zone,
            hypervisor: None,
            provider: None,
            details: [("area", area)].into_iter().collect::<Details>(),
            tags: Vec::new(),
            capacity_bytes: None,
            capacity_iops: None,
        }
    }

    /// A pool that is up; what was told about it is forgotten.
    pub(in crate::orchestration) async fn pool(&self, name: &str) -> Uuid {
        let wish = self.wish(name, name).await;
        let pool = self.done(self.host.storage_pools.create(&request(), wish).await).await;
        self.recorder.heard();
        pool
    }

    pub(in crate::orchestration) async fn find_pool(&self, pool: Uuid) -> Stored<StoragePool> {
        self.host.storage_pools.find(pool).await.unwrap()
    }

    /// The word of a pool's state.
    pub(in crate::orchestration) async fn state(&self, pool: Uuid) -> &'static str {
        self.find_pool(pool).await.state.as_str()
    }

    pub(in crate::orchestration) async fn volume(&self, name: &str, pool: Uuid) -> Stored<Volume> {
        let wish = CreateVolume {
            name: Some(name.to_owned()),
            zone: Some(self.zone().await),
            size_bytes: Some(1 << 20),
            pool: Some(pool),
            ..CreateVolume::default()
        };
        let volume = self.done(self.host.volumes.create(&request(), wish).await).await;
        self.host.volumes.find(volume).await.unwrap()
    }

    /// Waits until something is so.
    pub(in crate::orchestration) async fn until(&self, is_so: impl AsyncFn() -> bool) {
        let looked = async {
            while !is_so().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, looked).await.unwrap();
    }
}
