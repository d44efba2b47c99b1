//! The plugin `filesystem` when it is interrupted: in the midst of a copy its process is killed, or
//! the call given up.

use serde_json::Map;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    AttachZoneRequest, CallContext, CreateRequest, CreateSource, DataObject, DataStore,
    DataStoreProvider, DataStoreProviderType, DataStoreRole, InitializeRequest, LifeCycle,
    PluginErrorKind, PrimaryDataStoreLifeCycle, Scope, StoreContext, VolumeInfo,
};
use tests::{Plugin, Skin, eventually, memory_host};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 64 * MIB;
/// A copy at this pace takes a minute: whatever the test does comes in its midst.
const SLOWEST: u64 = MIB;

fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

fn life_cycle(plugin: &Plugin) -> Arc<dyn PrimaryDataStoreLifeCycle> {
    match plugin.provider().get_data_store_life_cycle(DataStoreProviderType::Primary) {
        Some(LifeCycle::Primary(life_cycle)) => life_cycle,
        other => panic!("it has a life cycle, not {other:?}"),
    }
}

/// A plugin with a pool that copies, and a volume without a hole.
async fn prepared(skin: Skin) -> (Arc<Plugin>, StoreContext, VolumeInfo) {
    let library = tests::artifacts::library("storage-volume-filesystem");
    let plugin = Plugin::load_file(skin, &library, Map::new(), memory_host()).await;
    let role = DataStoreRole::Primary;
    let scope = Scope::zone(Uuid::new_v4());
    let mut request = InitializeRequest::new(Uuid::new_v4(), role, "pool", scope);
    request.installation_id = "ins-tests".to_owned();
    request.details.insert("path", plugin.path().join("pool").to_str().unwrap());
    request.details.insert("reflink", "never");
    request.details.insert("copy_bytes_per_second", SLOWEST.to_string());
    let mut store = DataStore::new(request.uuid, role);
    store.installation_id = request.installation_id.clone();
    store.epoch = 1;
    let added = life_cycle(&plugin).initialize(&call(), request).await.unwrap();
    store.details = added.details.unwrap();
    let store = StoreContext::new(store);

    let mut source = VolumeInfo::new(Uuid::new_v4(), "source", SIZE);
    let request = CreateRequest::new(source.clone());
    source.path = plugin.driver().create_async(&call(), &store, request).await.unwrap().path;
    let file = fs::File::options().write(true).open(pool(&plugin).join(&source.path)).unwrap();
    let bytes = vec![7; MIB as usize];
    for at in 0..SIZE / MIB {
        file.write_all_at(&bytes, at * MIB).unwrap();
    }
    (Arc::new(plugin), store, source)
}

fn pool(plugin: &Plugin) -> PathBuf {
    plugin.path().canonicalize().unwrap().join("pool")
}

/// The length of the file in the making, if there is one.
fn in_the_making(pool: &Path) -> Option<u64> {
    let files = fs::read_dir(pool).unwrap().flatten();
    let mut new = files.filter(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        // The spare mark of the store is always there.
        name.ends_with(".new") && !name.starts_with(".storage-store")
    });
    new.next().map(|file| file.metadata().map_or(0, |found| found.len()))
}

/// Begins a clone and waits until some of it is there.
fn begin(
    plugin: &Arc<Plugin>,
    store: &StoreContext,
    request: &CreateRequest,
) -> tokio::task::JoinHandle<storage_plugin_api::PluginResult<()>> {
    let (driver, store, request) = (plugin.driver(), store.clone(), request.clone());
    let cloning =
        tokio::spawn(async move { driver.create_async(&call(), &store, request).await.map(drop) });
    let pool = pool(plugin);
    eventually("the copy grows", || in_the_making(&pool).filter(|length| *length > 0));
    cloning
}

async fn is_there(plugin: &Plugin, store: &StoreContext, of: &VolumeInfo) -> bool {
    let object = DataObject::from(of.clone());
    plugin.driver().describe(&call(), store, object).await.unwrap().present
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_process_is_killed_is_not_there_and_is_made_by_the_next_attempt() {
    let (plugin, store, source) = prepared(Skin::Process).await;
    let clone = VolumeInfo::new(Uuid::new_v4(), "clone", SIZE);
    let mut request = CreateRequest::new(clone.clone());
    request.source = CreateSource::Volume(source.clone());
    let cloning = begin(&plugin, &store, &request);
    tests::signal(plugin.pid(), rustix::process::Signal::KILL);
    let error = cloning.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{error}");

    plugin.supervisor().up().await;
    assert!(in_the_making(&pool(&plugin)).is_some());
    assert!(!is_there(&plugin, &store, &clone).await);
    let mut unlimited = DataStore::clone(&store);
    unlimited.details.remove("copy_bytes_per_second");
    let unlimited = StoreContext::new(unlimited);
    let made = plugin.driver().create_async(&call(), &unlimited, request.clone()).await.unwrap();
    assert_eq!(in_the_making(&pool(&plugin)), None);
    let bytes = |path: &str| fs::read(pool(&plugin).join(path)).unwrap();
    assert!(bytes(&made.path) == bytes(&source.path), "the clone has other bytes");

    // What nobody asks for again goes when the store is attached.
    request.object = VolumeInfo::new(Uuid::new_v4(), "another", SIZE).into();
    let cloning = begin(&plugin, &store, &request);
    tests::signal(plugin.pid(), rustix::process::Signal::KILL);
    cloning.await.unwrap().unwrap_err();
    plugin.supervisor().up().await;
    let attach = AttachZoneRequest::new(Scope::zone(Uuid::new_v4()));
    assert!(life_cycle(&plugin).attach_zone(&call(), &store, attach).await.unwrap());
    assert_eq!(in_the_making(&pool(&plugin)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_given_up_ends_soon_and_a_delete_leaves_nothing_of_it() {
    for skin in Skin::BOTH {
        let (plugin, store, source) = prepared(skin).await;
        let clone = VolumeInfo::new(Uuid::new_v4(), "clone", SIZE);
        let mut request = CreateRequest::new(clone.clone());
        request.source = CreateSource::Volume(source);
        let cloning = begin(&plugin, &store, &request);
        cloning.abort();
        assert!(cloning.await.unwrap_err().is_cancelled(), "{skin:?}");
        let object = DataObject::from(clone.clone());
        plugin.driver().delete_async(&call(), &store, object).await.unwrap();
        assert_eq!(in_the_making(&pool(&plugin)), None, "{skin:?}");
        assert!(!is_there(&plugin, &store, &clone).await, "{skin:?}");
        let is_objects = |entry: &std::io::Result<fs::DirEntry>| {
            !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')
        };
        let left = fs::read_dir(pool(&plugin)).unwrap().filter(is_objects).count();
        assert_eq!(left, 1, "{skin:?}: the source alone");
    }
}
