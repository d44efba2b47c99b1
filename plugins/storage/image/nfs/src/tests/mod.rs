//! What the conformance kit cannot see: the files behind the objects, and everything about stores
//! that share a directory, lose it, or come back from a backup.

mod crashes;
mod limits;
mod paths;
mod records;
mod stores;
mod streams;
#[path = "../../../../testing.rs"]
mod testing;

use crate::NfsProvider;
use crate::details::{Mounts, NfsSettings};
use crate::driver::NfsDriver;
use crate::life_cycle::NfsLifeCycle;
use std::fs;
use std::path::{Path, PathBuf};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginErrorKind as Kind, StoreContext as Store};
use tempfile::TempDir;
use testing::{Calls, INSTALLATION, MIB, call, refused, run};

/// A provider with a directory that is removed with its last test.
struct Ground {
    provider: NfsProvider,
    directory: TempDir,
}

impl Calls for Ground {
    type Driver = NfsDriver;
    type LifeCycle = NfsLifeCycle;

    fn driver(&self) -> NfsDriver {
        NfsDriver { stores: Arc::clone(&self.provider.stores) }
    }

    fn life_cycle(&self) -> NfsLifeCycle {
        NfsLifeCycle { stores: Arc::clone(&self.provider.stores) }
    }
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

    /// As after a restart: nothing is remembered.
    fn restarted(self) -> Self {
        Self { provider: NfsProvider::default(), directory: self.directory }
    }

    /// A store in the usual directory, added, with details.
    fn store_with(&self, details: &[(&str, &str)]) -> Store {
        Store::new(self.added(entered(&self.root()), details))
    }

    fn store(&self) -> Store {
        self.store_with(&[])
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
        let mut writer = self.open_writer(store, object, bytes.len() as u64 * MIB, None)?.writer;
        run(async {
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
