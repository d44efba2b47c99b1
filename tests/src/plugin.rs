//! One library, called through the contract's traits, in either skin.

use crate::artifacts::{self, host_binary};
use crate::fail::OrFail;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage_host::config::{Environment, HostConfig, Overrides, PluginKind, PluginRow};
use storage_host::isolation::{RunnerSpec, Supervisor};
use storage_host::loader::{Inspected, Loader};
use storage_plugin_api::abi::{HostDispatcher, RemoteProvider, Transport};
use storage_plugin_api::conformance::MemoryHost;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CHUNK_BYTES, CallContext, Chunk, CreateRequest, CreateResult, DataObject, DataStore,
    DataStoreProvider, DataStoreProviderType, DataStoreRole, Driver, HostServices, PluginResult,
    PrimaryDataStoreDriver, Settings, StoreContext, VolumeInfo,
};

/// How long a cancelled call may take to end before the plugin's process is killed.
const CANCEL_GRACE: Duration = Duration::from_millis(500);

/// Where a plugin's code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skin {
    /// In this process.
    InProcess,
    /// In a process of its own.
    Process,
}

impl Skin {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::InProcess, Self::Process];
}

/// A plugin that is loaded and configured.
pub struct Plugin {
    provider: Option<RemoteProvider>,
    supervisor: Option<Arc<Supervisor>>,
    directory: tempfile::TempDir,
}

impl Plugin {
    /// Loads a copy of the workspace's plugin `storage-volume-<of>`.
    pub async fn load(skin: Skin, of: &str) -> Self {
        let library = artifacts::library(&format!("storage-volume-{of}"));
        Self::load_file(skin, &library, Map::new(), memory_host()).await
    }

    /// Loads the plugin that misbehaves; what it traces is found by [`traced`](Self::traced).
    pub async fn fault(skin: Skin) -> Self {
        Self::fault_with(skin, Map::new(), memory_host()).await
    }

    /// As [`fault`](Self::fault), with further settings and a host of the test's.
    pub async fn fault_with(
        skin: Skin,
        settings: Map<String, Value>,
        host: Arc<dyn HostServices>,
    ) -> Self {
        let library = artifacts::library("storage-volume-fault");
        Self::load_file(skin, &library, settings, host).await
    }

    /// Loads a copy of any library.
    pub async fn load_file(
        skin: Skin,
        library: &Path,
        mut settings: Map<String, Value>,
        host: Arc<dyn HostServices>,
    ) -> Self {
        let directory = tempfile::tempdir().or_fail("make a directory");
        // A library that is loaded twice from one file would be one instance.
        let place = directory.path().join("plugins/volume");
        fs::create_dir_all(&place).or_fail("make a directory");
        fs::copy(library, place.join(artifacts::file_name("tested"))).or_fail("copy a library");
        if library.ends_with(artifacts::file_name("storage_volume_fault")) {
            let trace = directory.path().join("trace");
            settings.insert("trace".to_owned(), trace.to_string_lossy().into());
        }

        let row = PluginRow::of_file("tested", PluginKind::Volume);
        let loader = loader(directory.path());
        let inspected = loader.inspect(&row).or_fail("inspect the library");
        let (transport, supervisor) = match skin {
            Skin::InProcess => {
                (loader.open(&row, &inspected).await.or_fail("open the library"), None)
            }
            Skin::Process => {
                let supervisor = supervise(&loader, &inspected).await;
                (Arc::clone(&supervisor) as Arc<dyn Transport>, Some(supervisor))
            }
        };
        let call = call();
        let provider = RemoteProvider::connect(transport, &call).await.or_fail("ask the provider");
        let settings = Settings::from_map(settings);
        provider.configure(&call, settings, host).await.or_fail("configure the provider");
        Self { provider: Some(provider), supervisor, directory }
    }

    /// The provider.
    pub fn provider(&self) -> &RemoteProvider {
        self.provider.as_ref().or_fail("the provider was dropped")
    }

    /// Lets go of the provider.
    pub fn drop_provider(&mut self) {
        self.provider = None;
    }

    /// What keeps its process up.
    pub fn supervisor(&self) -> &Arc<Supervisor> {
        self.supervisor.as_ref().or_fail("it is in a process of its own")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.supervisor().status().pid.or_fail("its process is up")
    }

    /// Its driver.
    pub fn driver(&self) -> Arc<dyn PrimaryDataStoreDriver> {
        match self.provider().get_data_store_driver(DataStoreProviderType::Primary) {
            Some(Driver::Primary(driver)) => driver,
            other => crate::fail::fail(&format!("it has a driver, not {other:?}")),
        }
    }

    /// Has it create a volume of this name.
    ///
    /// # Errors
    /// The driver's.
    pub async fn create(&self, name: &str) -> PluginResult<CreateResult> {
        self.create_within(name, LONG_WINDOW).await
    }

    /// As [`create`](Self::create), given up after a window without progress.
    ///
    /// # Errors
    /// The driver's, or `Timeout`.
    pub async fn create_within(&self, name: &str, window: Duration) -> PluginResult<CreateResult> {
        let call = call().no_progress_window(window);
        let request = CreateRequest::new(volume(name, 1 << 20));
        self.driver().create_async(&call, &store(), request).await
    }

    /// Where it is, and may be given files.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Whether it traced a line.
    pub fn traced(&self, line: &str) -> bool {
        let trace = fs::read_to_string(self.path().join("trace")).unwrap_or_default();
        trace.lines().any(|one| one == line)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// No test waits so long.
const LONG_WINDOW: Duration = Duration::from_secs(50);

fn loader(directory: &Path) -> Loader {
    let text = "[host]\nplugin_dir = \"plugins\"\nprobe_timeout = \"60s\"\n";
    let origin: PathBuf = directory.join("plugins.toml");
    let config = HostConfig::parse(text, &origin, &Environment::default(), &Overrides::default());
    let mut loader = Loader::new(&config.or_fail("a configuration"));
    loader.executable = host_binary();
    loader
}

async fn supervise(loader: &Loader, inspected: &Inspected) -> Arc<Supervisor> {
    let spec = RunnerSpec {
        executable: loader.executable.clone(),
        plugin: "tested".to_owned(),
        path: inspected.located.path.clone(),
        log_level: loader.log_level,
        load_timeout: loader.probe_timeout,
        cancel_grace: CANCEL_GRACE,
    };
    let host = Arc::new(HostDispatcher::new(Box::new(|_| {})));
    Supervisor::start(spec, host).await.or_fail("start the plugin's process")
}

/// Services of a host that answers from memory, with a directory of its own.
pub fn memory_host() -> Arc<MemoryHost> {
    Arc::new(MemoryHost::new(&Uuid::new_v4().to_string()))
}

/// A call of a host.
pub fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

/// A pool without details.
pub fn store() -> StoreContext {
    StoreContext::new(DataStore::new(Uuid::nil(), DataStoreRole::Primary))
}

/// A volume of a name and size.
pub fn volume(name: &str, size_bytes: u64) -> DataObject {
    DataObject::Volume(VolumeInfo::new(Uuid::new_v4(), name, size_bytes))
}

/// Chunks of so many bytes in all, no two alike.
pub fn chunks_of(bytes: u64) -> impl Iterator<Item = Chunk> {
    let chunk = CHUNK_BYTES as u64;
    (0..bytes.div_ceil(chunk)).map(move |number| {
        let length = chunk.min(bytes - number * chunk);
        let bytes: Vec<u8> =
            (0..length).map(|at| (at.wrapping_mul(31) ^ (number * 7)) as u8).collect();
        Chunk::Data { offset: number * chunk, bytes: Bytes::from(bytes) }
    })
}
