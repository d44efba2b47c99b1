//! The bytes of volumes through the sample plugin, in either skin: they come back as they went,
//! and what is dropped half-way leaves nothing.

use serde_json::Map;
use std::path::Path;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    Chunk, CreateRequest, DataObject, DataStore, DataStoreRole, Details, OpenReaderRequest,
    OpenWriterRequest, PluginErrorKind, StoreContext,
};
use tests::{Plugin, Skin, call, chunks_of, eventually, memory_host, open_files, volume};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 64 * MIB;

async fn sample(skin: Skin) -> Plugin {
    let library = tests::artifacts::library("storage-volume-sample");
    Plugin::load_file(skin, &library, Map::new(), memory_host()).await
}

/// A pool in a directory.
fn pool(directory: &Path) -> StoreContext {
    let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Primary);
    store.installation_id = "ins-tests".to_owned();
    let path = directory.join("pool");
    std::fs::create_dir_all(&path).unwrap();
    store.details = Details::from_iter([("path", path.display().to_string())]);
    StoreContext::new(store)
}

async fn created(plugin: &Plugin, store: &StoreContext, size: u64) -> DataObject {
    let mut object = volume("disk", size);
    let request = CreateRequest::new(object.clone());
    let made = plugin.driver().create_async(&call(), store, request).await.unwrap();
    if let DataObject::Volume(volume) = &mut object {
        volume.path = made.path;
    }
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_as_they_went() {
    for skin in Skin::BOTH {
        let plugin = sample(skin).await;
        let (driver, store) = (plugin.driver(), pool(plugin.path()));
        let object = created(&plugin, &store, SIZE).await;
        let request = OpenWriterRequest::new(object.clone(), SIZE);
        let mut opened = driver.open_writer(&call(), &store, request).await.unwrap();
        assert_eq!(opened.offset, 0);
        for chunk in chunks_of(SIZE) {
            opened.writer.write(chunk).await.unwrap();
        }
        assert_eq!(opened.writer.finish().await.unwrap().size_bytes, SIZE, "{skin:?}");

        let request = OpenReaderRequest::new(object);
        let mut reader = driver.open_reader(&call(), &store, request).await.unwrap();
        let mut expected = chunks_of(SIZE).map(|chunk| match chunk {
            Chunk::Data { bytes, .. } => bytes,
            Chunk::Hole { .. } => unreachable!("all of it is data"),
        });
        // The driver cuts as it likes: compare a stream with a stream.
        let (mut at, mut left) = (0, expected.next().unwrap());
        while let Some(chunk) = reader.next().await.unwrap() {
            assert_eq!(chunk.offset(), at, "{skin:?}");
            at += chunk.length();
            let Chunk::Data { mut bytes, .. } = chunk else { panic!("a hole at {at}") };
            while !bytes.is_empty() {
                if left.is_empty() {
                    left = expected.next().unwrap();
                }
                let length = bytes.len().min(left.len());
                assert!(bytes.split_to(length) == left.split_to(length), "{skin:?}, before {at}");
            }
        }
        assert_eq!(at, SIZE, "{skin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_half_way_leaves_nothing_open() {
    for skin in Skin::BOTH {
        let plugin = sample(skin).await;
        let (driver, store) = (plugin.driver(), pool(plugin.path()));
        let object = created(&plugin, &store, SIZE).await;
        // In this process other tests open files too, so only those of the volume count.
        let pid = if skin == Skin::Process { plugin.pid() } else { std::process::id() };
        let of_volume = || {
            let pool = plugin.path().join("pool");
            let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
            let open = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
            open.filter(|path| path.starts_with(&pool)).count()
        };
        let before = (skin == Skin::Process).then(|| open_files(pid));
        for _ in 0..8 {
            let request = OpenWriterRequest::new(object.clone(), SIZE);
            let mut opened = driver.open_writer(&call(), &store, request).await.unwrap();
            for chunk in chunks_of(4 * MIB) {
                opened.writer.write(chunk).await.unwrap();
            }
            drop(opened);
            let request = OpenReaderRequest::new(object.clone());
            let mut reader = driver.open_reader(&call(), &store, request).await.unwrap();
            reader.next().await.unwrap();
            drop(reader);
        }
        eventually("every file of the volume is closed", || (of_volume() == 0).then_some(()));
        if let Some(before) = before {
            eventually("as few files are open as before", || {
                (open_files(pid) <= before).then_some(())
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_process_and_another_can_be_opened() {
    let plugin = Plugin::fault(Skin::Process).await;
    let request = || OpenReaderRequest::new(volume("abort", SIZE));
    let mut reader =
        plugin.driver().open_reader(&call(), &tests::store(), request()).await.unwrap();
    let error = loop {
        match reader.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the process ends before the stream does"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("killed by signal 6 (SIGABRT)"), "{error}");

    plugin.supervisor().up().await;
    let request = OpenWriterRequest::new(volume("abort", SIZE), SIZE);
    let mut opened = plugin.driver().open_writer(&call(), &tests::store(), request).await.unwrap();
    let mut failed = None;
    for chunk in chunks_of(SIZE) {
        failed = opened.writer.write(chunk).await.err();
        if failed.is_some() {
            break;
        }
    }
    let error = failed.unwrap();
    assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{error}");
    plugin.supervisor().up().await;
    plugin.create("any").await.unwrap();
}
