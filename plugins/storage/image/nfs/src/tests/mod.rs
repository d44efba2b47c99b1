//! What the conformance kit cannot see: the files behind the objects, and everything about stores
//! that share a directory, lose it, or come back from a backup.

mod crashes;
mod limits;
mod paths;
mod records;
mod stores;
mod streams;

use crate::NfsProvider;
use crate::details::{Mounts, NfsSettings};
use crate::driver::NfsDriver;
use crate::life_cycle::NfsLifeCycle;
use std::fs;
use std::path::{Path, PathBuf};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;
use storage_plugin_api::tokio;
use storage_plugin_api::{CallContext as Call, PluginErrorKind as Kind, StoreContext as Store};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const INSTALLATION: &str = "ins-tests";

/// A provider with a directory that is removed with its last test.
struct Ground {
    provider: NfsProvider,
    directory: TempDir,
}

impl Ground {
    fn new() -> Self {
        Self { provider: NfsProvider::default(), directory: TempDir::new().unwrap() }
    }

    /// With exports that the settings say are mounted, below the ground's directory.
    fn with_mounts(mounts: &[(&str, &str)]) -> Self {
        let ground = Self::new();
        let at = |below: &str| ground.base().join(below);
        let mounts = mounts.iter().map(|(url, below)| ((*url).to_owned(), at(below))).collect();
        let mounts = Mounts::of(&NfsSettings { mounts }).unwrap();
        ground.provider.stores.configure(mounts).unwrap();
        ground
    }

    /// The directory of temporary files may lie behind a link.
    fn base(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// The directory of the store that most tests use.
    fn root(&self) -> PathBuf {
        self.base().join("store")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn driver(&self) -> NfsDriver {
        NfsDriver { stores: Arc::clone(&self.provider.stores) }
    }

    fn life_cycle(&self) -> NfsLifeCycle {
        NfsLifeCycle { stores: Arc::clone(&self.provider.stores) }
    }

    /// As after a restart: nothing is remembered.
    fn restarted(self) -> Self {
        Self { provider: NfsProvider::default(), directory: self.directory }
    }

    fn initialize(&self, store: &DataStore) -> PluginResult<InitializedStore> {
        let scope = Scope::zone(Uuid::new_v4());
        let mut request = InitializeRequest::new(store.uuid, store.role, "images", scope);
        request.url = store.url.clone();
        request.details = store.details.clone();
        request.installation_id = store.installation_id.clone();
        run(self.life_cycle().initialize(&call(), request))
    }

    /// A store in the usual directory, added, with details.
    fn store_with(&self, details: &[(&str, &str)]) -> Store {
        let mut store = entered(&self.root());
        for (key, value) in details {
            store.details.insert(*key, *value);
        }
        Store::new(self.added(store))
    }

    /// A store as it is once it was added.
    fn added(&self, mut store: DataStore) -> DataStore {
        let added = self.initialize(&store).unwrap();
        store.details = added.details.unwrap();
        store.url = added.url.unwrap();
        store.epoch = 1;
        store
    }

    fn store(&self) -> Store {
        self.store_with(&[])
    }

    fn delete_store(&self, store: &Store) -> PluginResult<bool> {
        run(self.life_cycle().delete_data_store(&call(), store))
    }

    fn create(&self, store: &Store, object: impl Into<DataObject>) -> PluginResult<CreateResult> {
        run(self.driver().create_async(&call(), store, CreateRequest::new(object)))
    }

    fn delete(&self, store: &Store, object: impl Into<DataObject>) -> PluginResult<()> {
        run(self.driver().delete_async(&call(), store, object.into()))
    }

    fn describe(&self, store: &Store, object: impl Into<DataObject>) -> ObjectDescription {
        run(self.driver().describe(&call(), store, object.into())).unwrap()
    }

    fn list(&self, store: &Store) -> Vec<ListedObject> {
        let listing = ListObjectsRequest::new();
        run(self.driver().list_objects(&call(), store, listing)).unwrap().objects
    }

    fn open_writer(
        &self,
        store: &Store,
        of: impl Into<DataObject>,
        size: u64,
        resume: Option<CheckpointToken>,
    ) -> PluginResult<OpenedWriter> {
        let mut request = OpenWriterRequest::new(of, size);
        request.resume = resume;
        run(self.driver().open_writer(&call(), store, request))
    }

    /// Creates an object and writes it: a byte for each mebibyte, as many as `bytes` has.
    fn make(&self, store: &Store, object: impl Into<DataObject>, bytes: &[u8]) -> String {
        let object = object.into();
        let path = self.create(store, object.clone()).unwrap().path;
        self.write(store, object, bytes).unwrap();
        path
    }

    fn write(
        &self,
        store: &Store,
        object: impl Into<DataObject>,
        bytes: &[u8],
    ) -> PluginResult<WriteResult> {
        let mut request = OpenWriterRequest::new(object, bytes.len() as u64 * MIB);
        request.resume = None;
        run(async {
            let mut writer = self.driver().open_writer(&call(), store, request).await?.writer;
            for (at, byte) in bytes.iter().enumerate() {
                writer.write(data(at as u64, *byte)).await?;
            }
            writer.finish().await
        })
    }

    /// The paths of all files below the store, sorted, those of the mark not counted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.root()).unwrap().to_str().unwrap();
                    files.push(name.to_owned());
                }
            }
        }
        files.retain(|name| !name.starts_with(".storage-store"));
        files.sort();
        files
    }

    /// Whether nothing is left but the mark: no file, and no folder.
    fn is_empty(&self) -> bool {
        let mut entries = fs::read_dir(self.root()).unwrap();
        entries
            .all(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".storage-store"))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn call() -> Call {
    Call::new(Uuid::new_v4())
}

/// A store as an operator enters it.
fn entered(path: &Path) -> DataStore {
    let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Image);
    store.installation_id = INSTALLATION.to_owned();
    store.url = format!("file://{}", path.to_str().unwrap());
    store
}

/// A template of a format, with a virtual size.
fn template(format: ImageFormat, size: u64) -> TemplateInfo {
    let mut template = TemplateInfo::new(Uuid::new_v4(), "debian", format, size);
    (template.id, template.account_id) = (201, 2);
    template
}

fn volume(size: u64) -> VolumeInfo {
    let mut volume = VolumeInfo::new(Uuid::new_v4(), "disk", size);
    (volume.id, volume.account_id) = (17, 2);
    volume
}

fn snapshot_of(volume: &VolumeInfo) -> SnapshotInfo {
    let mut snapshot = SnapshotInfo::new(Uuid::new_v4(), "snapshot", volume.clone());
    (snapshot.id, snapshot.account_id) = (5, volume.account_id);
    snapshot
}

fn data(mebibyte: u64, byte: u8) -> Chunk {
    Chunk::Data { offset: mebibyte * MIB, bytes: Bytes::from(vec![byte; MIB as usize]) }
}

#[track_caller]
fn refused<T>(answer: PluginResult<T>, kind: Kind, words: &[&str]) {
    let error = answer.err().unwrap();
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
}
