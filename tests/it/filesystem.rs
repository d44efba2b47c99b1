//! The plugin `filesystem` when it is interrupted: in the midst of a copy its process is killed, or
//! the call given up. And its thin volumes, on the real binary.

use serde_json::Map;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    AttachZoneRequest, Chunk, CreateRequest, CreateSource, DataObject, DataStore,
    DataStoreProvider, DataStoreProviderType, DataStoreRole, InitializeRequest, LifeCycle,
    OpenReaderRequest, OpenWriterRequest, OpenedWriter, PluginErrorKind, PrimaryDataStoreLifeCycle,
    ResizeRequest, Scope, StoreContext, VolumeInfo,
};
use tests::{Installation, Plugin, Row, Skin, call, eventually, memory_host, text};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 64 * MIB;
/// A copy at this pace takes a minute: whatever the test does comes in its midst.
const SLOWEST: u64 = MIB;

fn life_cycle(plugin: &Plugin) -> Arc<dyn PrimaryDataStoreLifeCycle> {
    match plugin.provider().get_data_store_life_cycle(DataStoreProviderType::Primary) {
        Some(LifeCycle::Primary(life_cycle)) => life_cycle,
        other => panic!("it has a life cycle, not {other:?}"),
    }
}

/// A plugin with a pool that copies.
async fn pool_of(skin: Skin, volume_format: &str) -> (Arc<Plugin>, StoreContext) {
    let library = tests::artifacts::library("storage-volume-filesystem");
    let plugin = Plugin::load_file(skin, &library, Map::new(), memory_host()).await;
    let role = DataStoreRole::Primary;
    let scope = Scope::zone(Uuid::new_v4());
    let mut request = InitializeRequest::new(Uuid::new_v4(), role, "pool", scope);
    request.installation_id = "ins-tests".to_owned();
    request.details.insert("path", plugin.path().join("pool").to_str().unwrap());
    request.details.insert("reflink", "never");
    request.details.insert("volume_format", volume_format);
    request.details.insert("copy_bytes_per_second", SLOWEST.to_string());
    let mut store = DataStore::new(request.uuid, role);
    store.installation_id = request.installation_id.clone();
    store.epoch = 1;
    let added = life_cycle(&plugin).initialize(&call(), request).await.unwrap();
    store.details = added.details.unwrap();
    (Arc::new(plugin), StoreContext::new(store))
}

/// As [`pool_of`] raw volumes, with a volume without a hole.
async fn prepared(skin: Skin) -> (Arc<Plugin>, StoreContext, VolumeInfo) {
    let (plugin, store) = pool_of(skin, "raw").await;
    let mut source = VolumeInfo::new(Uuid::new_v4(), "source", SIZE);
    let request = CreateRequest::new(source.clone());
    source.path = plugin.driver().create_async(&call(), &store, request).await.unwrap().path;
    let file = fs::File::options().write(true).open(pool(&plugin).join(&source.path)).unwrap();
    let bytes = vec![7; MIB as usize];
    for at in 0..SIZE / MIB {
        file.write_all_at(&bytes, at * MIB).unwrap();
    }
    (plugin, store, source)
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

/// Writes a volume without a hole; the writer, before its end.
async fn written(plugin: &Plugin, store: &StoreContext, to: &VolumeInfo, byte: u8) -> OpenedWriter {
    let request = OpenWriterRequest::new(to.clone(), SIZE);
    let mut opened = plugin.driver().open_writer(&call(), store, request).await.unwrap();
    for at in 0..SIZE / MIB {
        let bytes = vec![byte; MIB as usize].into();
        let chunk = Chunk::Data { offset: at * MIB, bytes };
        assert_eq!(opened.writer.write(chunk).await.unwrap(), None);
    }
    opened
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qcow2_volume_is_what_it_was_when_the_process_that_changes_it_is_killed() {
    let (plugin, store) = pool_of(Skin::Process, "qcow2").await;
    let volume = VolumeInfo::new(Uuid::new_v4(), "root", SIZE);
    plugin
        .driver()
        .create_async(&call(), &store, CreateRequest::new(volume.clone()))
        .await
        .unwrap();
    written(&plugin, &store, &volume, 1).await.writer.finish().await.unwrap();
    let object = DataObject::from(volume.clone());
    let there = async || plugin.driver().describe(&call(), &store, object.clone()).await.unwrap();
    let before = there().await;
    assert!(before.path.ends_with(".qcow2"), "{before:?}");
    let bytes = fs::read(pool(&plugin).join(&before.path)).unwrap();
    let as_before = async || {
        plugin.supervisor().up().await;
        assert_eq!(there().await, before);
        assert!(fs::read(pool(&plugin).join(&before.path)).unwrap() == bytes);
        // The first look of the new process removed what the one before left.
        assert_eq!(in_the_making(&pool(&plugin)), None);
    };

    let mut half = written(&plugin, &store, &volume, 2).await;
    assert!(in_the_making(&pool(&plugin)).is_some());
    tests::signal(plugin.pid(), rustix::process::Signal::KILL);
    half.writer.finish().await.unwrap_err();
    drop(half);
    as_before().await;

    let resizing = {
        let (driver, store) = (plugin.driver(), store.clone());
        let request = ResizeRequest::new(volume.clone(), 2 * SIZE);
        tokio::spawn(async move { driver.resize(&call(), &store, request).await.map(drop) })
    };
    let at = pool(&plugin);
    eventually("the copy grows", || in_the_making(&at).filter(|length| *length > 0));
    tests::signal(plugin.pid(), rustix::process::Signal::KILL);
    resizing.await.unwrap().unwrap_err();
    as_before().await;

    written(&plugin, &store, &volume, 3).await.writer.finish().await.unwrap();
    assert_ne!(there().await.generation, before.generation);
    let mut reader =
        plugin.driver().open_reader(&call(), &store, OpenReaderRequest::new(volume)).await.unwrap();
    let mut read = 0;
    while let Some(chunk) = reader.next().await.unwrap() {
        let Chunk::Data { bytes, .. } = chunk else { panic!("a hole at {read}") };
        assert!(bytes.iter().all(|byte| *byte == 3));
        read += bytes.len() as u64;
    }
    assert_eq!(read, SIZE);
}

/// A thing that the host lists, by a field that is wanted.
fn only<'a>(listed: &'a [serde_json::Value], field: &str) -> &'a str {
    assert_eq!(listed.len(), 1, "{listed:#?}");
    listed[0][field].as_str().unwrap_or_else(|| panic!("no {field} in {:#}", listed[0]))
}

#[test]
fn a_template_is_not_deleted_while_qcow2_volumes_lie_on_it() {
    let place = Installation::with_pools().row(Row::image("nfs", "nfs"));
    let host = place.start();
    let zone = host.only_zone();
    let directory = place.file("thin");
    fs::create_dir(&directory).unwrap();
    let url = format!("file://{}", directory.display());
    let pool = [
        ("name", "thin"),
        ("url", &*url),
        ("zoneid", &*zone),
        ("provider", "Filesystem"),
        ("details[0].volume_format", "qcow2"),
    ];
    host.api("createStoragePool", &pool);
    let pools = host.list("listStoragePools", &[("name", "thin")]);
    assert_eq!(only(&pools, "volumeformat"), "qcow2");
    assert!(only(&pools, "volumeformatreason").contains("volume_format"));
    let pool = only(&pools, "id");
    let images = format!("file://{}", place.file("images").display());
    host.api("addImageStore", &[("name", "one"), ("url", &images), ("zoneid", &zone)]);
    let disk = place.file("disk.raw");
    fs::write(&disk, vec![7; 4 * MIB as usize]).unwrap();
    let disk = disk.display().to_string();
    place.run(&["template", "upload", &disk, "--name", "golden", "--format", "RAW"]).with_code(0);
    let all = [("templatefilter", "all")];
    let template = only(&host.list("listTemplates", &all), "id").to_owned();

    let wish = [
        ("name", "root"),
        ("templateid", &*template),
        ("storageid", pool),
        ("zoneid", &*zone),
        ("sizebytes", "8388608"),
    ];
    let volume = text(&host.done("createVolume", &wish), "id");
    let path = text(&host.list("listVolumes", &[("id", &volume)])[0], "path");
    assert!(path.ends_with(".volume.qcow2"), "{path}");
    let refused = host.job("deleteTemplate", &[("id", &template)]).unwrap_err().to_string();
    for word in ["golden", "thin", &volume] {
        assert!(refused.contains(word), "{word:?} is not in: {refused}");
    }
    assert_eq!(host.list("listTemplates", &all)[0]["isready"], true);

    // The bytes of the whole chain are backed up, as those of the disk.
    let taken = host.done("createSnapshot", &[("volumeid", &volume), ("name", "s")]);
    host.done("archiveSnapshot", &[("id", &text(&taken, "id"))]);
    host.job("deleteVolume", &[("id", &volume)]).unwrap();
    host.done("deleteTemplate", &[("id", &template)]);
    let to = place.file("down.raw");
    place.run(&["snapshot", "download", "s", &to.display().to_string()]).with_code(0);
    let bytes = fs::read(&to).unwrap();
    assert_eq!(bytes.len() as u64, 8 * MIB);
    assert!(bytes[..4 * MIB as usize].iter().all(|byte| *byte == 7));
    assert!(bytes[4 * MIB as usize..].iter().all(|byte| *byte == 0));
    host.is_well();
}
