//! What can be done to objects.
//!
//! Every method may come again after a crash, for the same object, so each first looks at what is
//! there: making what is there already, and removing what is gone, both succeed. File work blocks,
//! and these methods run on the plugin's few threads, so all of it is done in `blocking`.

use crate::place::{directory, file, listed};
use std::path::Path;
use storage_plugin_api::files::*;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};
use storage_plugin_api::{CreateResult as Created, ObjectPage as Page, OpenedWriter as Writer};

type Reader = Box<dyn DataReader>;

/// The driver. It has no state: everything a call needs comes with it.
#[derive(Clone, Copy)]
pub(crate) struct SampleDriver;

#[async_trait]
impl DataStoreDriver for SampleDriver {
    // Says what the methods below can do. The host offers only that, and the conformance kit tests
    // all of it; what is not declared is tested to be refused.
    async fn get_capabilities(&self, _: &Call, _: &Pool) -> Result<DataStoreCapabilities> {
        let mut able = DataStoreCapabilities::raw_only();
        (able.read, able.write, able.resume_write, able.sparse) = (true, true, true, true);
        (able.resize, able.shrink, able.list_objects, able.thin_usage) = (true, true, true, true);
        able.storage_system_snapshot = true;
        able.can_create_volume_from_snapshot = true;
        able.can_create_volume_from_volume = true;
        able.can_revert_volume_to_snapshot = true;
        able.snapshots_outlive_volume = true;
        able.limits.max_size_bytes = MAX_BYTES;
        Ok(able)
    }

    // Nothing to add to what the host says of an object by itself.
    async fn get_to(&self, _: &Call, _: &Pool, _: DataObject) -> Result<ToAnswer> {
        Ok(ToAnswer::new())
    }

    async fn get_store_to(&self, _: &Call, store: &Pool) -> Result<DataStoreTo> {
        let mut to = PrimaryDataStoreTo::of(store, StoragePoolType::Filesystem);
        to.path = directory(store)?.to_string_lossy().into_owned();
        Ok(DataStoreTo::Primary(to))
    }

    async fn create_async(&self, _: &Call, at: &Pool, new: CreateRequest) -> Result<Created> {
        let source = match new.source {
            CreateSource::Blank => None,
            CreateSource::Volume(volume) => Some(volume.into()),
            CreateSource::Snapshot(snapshot) => Some(snapshot.into()),
            _ => return Err(PluginError::unsupported("this storage holds no templates")),
        };
        make(at, new.object, source).await
    }

    async fn delete_async(&self, _: &Call, at: &Pool, object: DataObject) -> Result<()> {
        let file = file(at, &object)?;
        blocking(move || remove(&file)).await
    }

    // The host believes this, not what other methods returned: it looks at the disk each time.
    async fn describe(&self, _: &Call, at: &Pool, of: DataObject) -> Result<ObjectDescription> {
        let file = file(at, &of)?;
        blocking(move || describe(&file)).await
    }

    async fn list_objects(&self, _: &Call, at: &Pool, of: ListObjectsRequest) -> Result<Page> {
        let (directory, installation) = (directory(at)?, at.installation_id.clone());
        blocking(move || {
            // A directory that nothing was made in yet is an empty one.
            let files = directory.read_dir().into_iter().flatten().flatten();
            let objects = files.filter_map(|file| listed(file.path(), &installation));
            Ok(Page::of(objects.collect(), &of))
        })
        .await
    }

    async fn resize(&self, _: &Call, at: &Pool, to: ResizeRequest) -> Result<Created> {
        let (file, size) = (file(at, &to.volume.into())?, in_limits(to.new_size_bytes)?);
        blocking(move || resize(&file, size, to.shrink_ok).map(|()| made(&file))).await
    }

    async fn open_reader(&self, _: &Call, at: &Pool, of: OpenReaderRequest) -> Result<Reader> {
        let file = file(at, &of.object)?;
        Ok(Box::new(blocking(move || FileReader::open(&file, &of)).await?))
    }

    async fn open_writer(&self, _: &Call, at: &Pool, of: OpenWriterRequest) -> Result<Writer> {
        let file = file(at, &of.object)?;
        blocking(move || FileWriter::open(&file, &of)).await
    }
}

#[async_trait]
impl PrimaryDataStoreDriver for SampleDriver {
    // Every host sees the directory, so all it needs is the path. An array would let the host's
    // initiator in here and return portals, target and LUN.
    async fn grant_access(&self, _: &Call, at: &Pool, of: AccessRequest) -> Result<ConnectionInfo> {
        let file = file(at, &of.object)?;
        let reached = ConnectionInfo::file(file.to_string_lossy());
        blocking(move || existing(&file)).await.map(|_| reached)
    }

    async fn revoke_access(&self, _: &Call, _: &Pool, _: RevokeRequest) -> Result<()> {
        Ok(())
    }

    // A copy of the whole file, which a file system with reflinks makes in constant time.
    async fn take_snapshot(&self, _: &Call, at: &Pool, of: TakeSnapshotRequest) -> Result<Created> {
        let volume = (*of.snapshot.volume).clone();
        make(at, of.snapshot.into(), Some(volume.into())).await
    }

    async fn revert_snapshot(&self, _: &Call, at: &Pool, to: RevertSnapshotRequest) -> Result<()> {
        let volume = file(at, &(*to.snapshot.volume).clone().into())?;
        let snapshot = file(at, &to.snapshot.into())?;
        blocking(move || replace(&volume, &snapshot)).await
    }
}

/// Makes an object, blank or as a copy of another.
async fn make(at: &Pool, new: DataObject, source: Option<DataObject>) -> Result<Created> {
    let (path, size) = (file(at, &new)?, in_limits(new.size_bytes())?);
    let source = source.map(|source| file(at, &source)).transpose()?;
    blocking(move || create(&path, size, source.as_deref()).map(|()| made(&path))).await
}

fn made(file: &Path) -> Created {
    Created::new(file.to_string_lossy())
}

const MAX_BYTES: u64 = 1 << 40;

fn in_limits(size: u64) -> Result<u64> {
    match size {
        512..=MAX_BYTES => Ok(size),
        _ => Err(PluginError::invalid_argument(format!("{size} bytes are not 512 B to 1 TiB"))),
    }
}
