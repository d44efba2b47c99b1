//! What the conformance kit cannot see: the files behind the objects, and everything about stores
//! that share a directory, lose it, or come back from a backup.

mod copies;
mod crashes;
mod limits;
mod paths;
mod stores;
mod streams;
#[path = "../../../../testing.rs"]
mod testing;
mod thin;

use crate::FilesystemProvider;
use crate::driver::FilesystemDriver;
use crate::life_cycle::FilesystemLifeCycle;
use std::fs;
use std::path::{Path, PathBuf};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginErrorKind as Kind, StoreContext as Pool};
use tempfile::TempDir;
use testing::{Calls, INSTALLATION, MIB, call, refused, run};

/// A provider with a directory that is removed with its last test.
struct Ground {
    provider: FilesystemProvider,
    directory: TempDir,
}

impl Calls for Ground {
    type Driver = FilesystemDriver;
    type LifeCycle = FilesystemLifeCycle;

    fn driver(&self) -> FilesystemDriver {
        FilesystemDriver { stores: Arc::clone(&self.provider.stores) }
    }

    fn life_cycle(&self) -> FilesystemLifeCycle {
        FilesystemLifeCycle { stores: Arc::clone(&self.provider.stores) }
    }
}

impl Ground {
    fn new() -> Self {
        Self { provider: FilesystemProvider::default(), directory: TempDir::new().unwrap() }
    }

    /// The directory of the store that most tests use.
    fn pool(&self) -> PathBuf {
        // The directory of temporary files may lie behind a link.
        self.directory.path().canonicalize().unwrap().join("pool")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.pool().join(name)
    }

    /// As after a restart: nothing is remembered.
    fn restarted(self) -> Self {
        Self { provider: FilesystemProvider::default(), directory: self.directory }
    }

    /// A store in the pool's directory, added, with more details.
    fn store_with(&self, details: &[(&str, &str)]) -> DataStore {
        fs::create_dir_all(self.pool()).unwrap();
        self.added(entered(&self.pool()), details)
    }

    fn store(&self) -> Pool {
        Pool::new(self.store_with(&[]))
    }

    fn attach(&self, store: &Pool) -> PluginResult<bool> {
        let request = AttachZoneRequest::new(Scope::zone(Uuid::new_v4()));
        run(self.life_cycle().attach_zone(&call(), store, request))
    }

    fn create_from(
        &self,
        store: &Pool,
        object: impl Into<DataObject>,
        source: CreateSource,
    ) -> PluginResult<CreateResult> {
        let mut request = CreateRequest::new(object);
        request.source = source;
        run(self.driver().create_async(&call(), store, request))
    }

    fn resize(
        &self,
        store: &Pool,
        of: &VolumeInfo,
        size: u64,
        ok: bool,
    ) -> PluginResult<CreateResult> {
        let mut request = ResizeRequest::new(of.clone(), size);
        request.shrink_ok = ok;
        run(self.driver().resize(&call(), store, request))
    }

    fn snapshot(&self, store: &Pool, snapshot: &SnapshotInfo) -> PluginResult<CreateResult> {
        let request = TakeSnapshotRequest::new(snapshot.clone());
        run(self.driver().take_snapshot(&call(), store, request))
    }

    fn revert(&self, store: &Pool, snapshot: &SnapshotInfo) -> PluginResult<()> {
        let request = RevertSnapshotRequest::new(snapshot.clone());
        run(self.driver().revert_snapshot(&call(), store, request))
    }

    /// Writes chunks from the start of an object and finishes it.
    fn write(
        &self,
        store: &Pool,
        object: impl Into<DataObject>,
        size: u64,
        chunks: &[(u64, Bytes)],
    ) {
        let mut writer = self.open_writer(store, object, size, None).unwrap().writer;
        run(async {
            for (offset, bytes) in chunks.iter().cloned() {
                writer.write(Chunk::Data { offset, bytes }).await.unwrap();
            }
            writer.finish().await.unwrap();
        });
    }

    /// The names of all files of the pool, sorted, the mark and its spare not counted.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.pool()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let of_host = [files::MARK_FILE, files::SPARE_MARK_FILE, files::LOCK_FILE];
        let mut names: Vec<_> = names.filter(|name| !of_host.contains(&name.as_str())).collect();
        names.sort();
        names
    }
}

/// A store as an operator enters it.
fn entered(path: &Path) -> DataStore {
    let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Primary);
    store.installation_id = INSTALLATION.to_owned();
    store.details.insert("path", path.to_str().unwrap());
    store
}

fn volume(size: u64) -> VolumeInfo {
    VolumeInfo::new(Uuid::new_v4(), "disk", size)
}

fn snapshot_of(volume: &VolumeInfo) -> SnapshotInfo {
    SnapshotInfo::new(Uuid::new_v4(), "snapshot", volume.clone())
}

fn file_name(uuid: Uuid, kind: &str, ending: &str) -> String {
    format!("{uuid}.{INSTALLATION}.{kind}.{ending}")
}

fn filled(byte: u8, length: u64) -> Bytes {
    Bytes::from(vec![byte; length as usize])
}
