//! A world: what outlives a host. A life: a host in it.

use super::faults::Faults;
use super::faulty::{Faulty, Told};
use crate::in_memory::InMemory;
use crate::model::{Operation, Phase, Record, Zone};
use crate::orchestration::image_store::AddImageStore;
use crate::orchestration::storage_pool::CreateStoragePool;
use crate::orchestration::{Orchestration, Policy, RequestContext, Rooms, RoomsParts, Started};
use crate::registry::DataStoreProviderManager;
use crate::store::{Filter, Repository, Store};
use serde_json::json;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage_plugin_api::{DataStoreProvider, DataStoreRole, Details, Scope};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How long anything may take that should end by itself.
pub(in crate::orchestration) const DEADLINE: Duration = Duration::from_secs(60);

/// A store on the disk and a back end in memory.
pub(in crate::orchestration) struct World {
    directory: Arc<TempDir>,
    /// Where the images lie that are downloaded.
    pub(in crate::orchestration) images: TempDir,
    pub(in crate::orchestration) memory: InMemory,
    pub(in crate::orchestration) faults: Arc<Faults>,
    pub(super) told: Arc<Mutex<Told>>,
    /// Whether the provider takes instance snapshots in a way of its own.
    pub(super) takes_groups: Arc<AtomicBool>,
}

/// A host that lives in a world.
pub(in crate::orchestration) struct Life {
    runtime: Option<Runtime>,
    store: Store,
    pub(in crate::orchestration) orchestration: Orchestration,
    /// Its store reads from it, also where the test let go of the world.
    _directory: Arc<TempDir>,
}

impl World {
    pub(in crate::orchestration) fn new() -> Self {
        // A host dies here, never its machine: nothing has to reach a disk.
        let directory =
            || tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self {
            directory: Arc::new(directory()),
            images: directory(),
            memory: InMemory::default(),
            faults: Arc::default(),
            told: Arc::default(),
            takes_groups: Arc::default(),
        }
    }

    /// An image of these bytes; the URL that it is downloaded from.
    pub(in crate::orchestration) fn image(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.images.path().canonicalize().unwrap().join(name);
        std::fs::write(&path, bytes).unwrap();
        format!("file://{}", path.display())
    }

    /// A host begins to live.
    pub(in crate::orchestration) fn live(&self) -> Life {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let store = Store::open(self.directory.path()).unwrap();
        let provider = Faulty {
            memory: self.memory.clone(),
            faults: Arc::clone(&self.faults),
            told: Arc::clone(&self.told),
            takes_groups: Arc::clone(&self.takes_groups),
        };
        let providers = DataStoreProviderManager::new();
        let report = json!({
            "name": "memory", "kind": "volume", "isolation": "in-process", "required": false,
            "state": "Ready", "path": "/memory",
            "provider": {
                "name": provider.get_name(), "types": ["PRIMARY", "IMAGE", "ImageCache"],
                "scopes": ["ZONE"], "host_listener": true, "vm_snapshot_strategy": false,
                "settings_schema": {}, "input_schemas": [],
            },
        });
        let report = serde_json::from_value(report).unwrap();
        let provider: Arc<dyn DataStoreProvider> = Arc::new(provider);
        providers.put(0, report, Some(provider), None);
        let mut policy = Policy::default();
        policy.images.directories = vec![self.images.path().canonicalize().unwrap()];
        policy.images.spool = self.images.path().to_owned();
        let parts = RoomsParts {
            repository: store.repository(),
            providers: Arc::new(providers),
            policy,
            windows: Box::new(|_| DEADLINE),
        };
        let orchestration = {
            let _guard = runtime.enter();
            Orchestration::new(Arc::new(Rooms::new(parts)))
        };
        runtime.block_on(orchestration.resume()).unwrap();
        let _directory = Arc::clone(&self.directory);
        Life { runtime: Some(runtime), store, orchestration, _directory }
    }
}

impl Life {
    pub(in crate::orchestration) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(async { tokio::time::timeout(DEADLINE, work).await }).unwrap()
    }

    pub(in crate::orchestration) fn repository(&self) -> Arc<dyn Repository> {
        self.store.repository()
    }

    /// The host is gone, whatever it was doing.
    pub(in crate::orchestration) fn die(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(DEADLINE);
        }
        self.store.close();
    }

    /// Waits until an operation rests.
    pub(in crate::orchestration) fn rests(&self, started: Started) -> Operation {
        let operation = self.run(self.orchestration.rooms().jobs.wait(started.operation)).unwrap();
        assert!(operation.phase.is_final(), "{operation:?}");
        operation
    }

    /// Waits until an operation is done.
    pub(in crate::orchestration) fn done(&self, started: Started) -> Uuid {
        let operation = self.rests(started);
        assert_eq!(operation.phase, Phase::Done, "{operation:?}");
        started.object
    }

    /// Waits until nothing runs.
    pub(in crate::orchestration) fn idle(&self) {
        for operation in self.run(self.repository().unfinished_operations()).unwrap() {
            self.run(self.orchestration.rooms().jobs.wait(operation.uuid)).unwrap();
        }
    }

    pub(in crate::orchestration) fn list<T: Record>(&self) -> Vec<T> {
        let repository = self.repository();
        let listed = self.run(repository.list::<T>(&Filter::default())).unwrap();
        listed.into_iter().map(|stored| stored.record).collect()
    }

    pub(in crate::orchestration) fn zone(&self) -> Uuid {
        self.list::<Zone>()[0].uuid
    }

    /// A pool, up.
    pub(in crate::orchestration) fn pool(&self, area: &str) -> Uuid {
        self.done(self.run(self.create_pool(area)).unwrap())
    }

    /// An image store of a zone, up.
    pub(in crate::orchestration) fn image_store(&self, area: &str, zone: Uuid) -> Uuid {
        let stores = &self.orchestration.image_stores;
        self.done(self.run(stores.add(&request(), image_store(area, Some(zone)))).unwrap())
    }

    /// Begins to create a pool.
    pub(in crate::orchestration) async fn create_pool(
        &self,
        area: &str,
    ) -> Result<Started, crate::model::Failure> {
        let zones = self.repository();
        let zone = zones.list::<Zone>(&Filter::default()).await.unwrap()[0].uuid;
        let mut details = Details::new();
        details.insert("area", area);
        let wish = CreateStoragePool {
            name: format!("pool {area}"),
            url: "memory://".to_owned(),
            scope: Scope::zone(zone),
            zone,
            hypervisor: None,
            provider: Some("In Memory".to_owned()),
            details,
            tags: Vec::new(),
            capacity_bytes: None,
            capacity_iops: None,
        };
        self.orchestration.storage_pools.create(&request(), wish).await
    }
}

/// An image store to be added.
pub(in crate::orchestration) fn image_store(area: &str, zone: Option<Uuid>) -> AddImageStore {
    AddImageStore {
        name: Some(format!("images {area}")),
        url: Some(format!("memory://{area}")),
        provider: Some("In Memory".to_owned()),
        zone,
        role: DataStoreRole::Image,
        details: [("area", area)].into_iter().collect::<Details>(),
        capacity_bytes: None,
        read_only: false,
        weight: None,
    }
}

/// Who asks in tests.
pub(in crate::orchestration) fn request() -> RequestContext {
    RequestContext { caller: crate::model::Caller::admin(), command: "test".to_owned() }
}
