//! A pool of the plugin `filesystem`, through its compiled library.

use bytes::Bytes;
use serde_json::Map;
use std::path::Path;
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    Chunk, CreateRequest, CreateSource, DataObject, DataStore, DataStoreCapabilities,
    DataStoreProvider, DataStoreProviderType, DataStoreRole, ImageFormat, InitializeRequest,
    LifeCycle, ListObjectsRequest, ListedObject, OpenReaderRequest, OpenWriterRequest,
    PluginResult, PrimaryDataStoreLifeCycle, ProvisioningType, ResizeRequest,
    RevertSnapshotRequest, Scope, SnapshotInfo, StoreContext, TakeSnapshotRequest, TemplateInfo,
    VolumeInfo,
};
use tests::{OrFail, Plugin, Skin, artifacts, bytes_moved, call, memory_host};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

/// What full volumes are full of.
pub(crate) const BYTE: u8 = 0xa5;

/// The pool.
pub(crate) struct Pool {
    plugin: Arc<Plugin>,
    store: StoreContext,
}

fn chunk(offset: u64, byte: u8, length: u64) -> Chunk {
    Chunk::Data { offset, bytes: Bytes::from(vec![byte; length as usize]) }
}

fn life_cycle_of(plugin: &Plugin) -> Arc<dyn PrimaryDataStoreLifeCycle> {
    match plugin.provider().get_data_store_life_cycle(DataStoreProviderType::Primary) {
        Some(LifeCycle::Primary(life_cycle)) => Some(life_cycle),
        _ => None,
    }
    .or_fail("a life cycle of pools")
}

impl Pool {
    /// A pool that was added in a directory.
    pub(crate) async fn new(path: &Path, details: &[(&str, &str)]) -> PluginResult<Self> {
        Self::within(Skin::InProcess, path, details).await
    }

    /// As [`new`](Self::new), of a plugin in either skin.
    pub(crate) async fn within(
        skin: Skin,
        path: &Path,
        details: &[(&str, &str)],
    ) -> PluginResult<Self> {
        let library = artifacts::library("storage-volume-filesystem");
        let plugin = Plugin::load_file(skin, &library, Map::new(), memory_host()).await;
        let scope = Scope::zone(Uuid::new_v4());
        let role = DataStoreRole::Primary;
        let mut request = InitializeRequest::new(Uuid::new_v4(), role, "pool", scope);
        request.installation_id = "ins-tests".to_owned();
        request.details = details.iter().copied().collect();
        request.details.insert("path", path.to_str().or_fail("a path"));
        let life_cycle = life_cycle_of(&plugin);
        let mut store = DataStore::new(request.uuid, role);
        store.installation_id = request.installation_id.clone();
        store.epoch = 1;
        let added = life_cycle.initialize(&call(), request).await?;
        store.details = added.details.or_fail("the details of the store");
        Ok(Self { plugin: Arc::new(plugin), store: StoreContext::new(store) })
    }

    /// How many bytes its plugin, in a process of its own, has read and written so far.
    pub(crate) fn moved(&self) -> u64 {
        let (read, written) = bytes_moved(self.plugin.pid());
        read + written
    }

    /// The pool goes into maintenance: whatever holds it open is let go.
    pub(crate) async fn maintain(&self) -> PluginResult<bool> {
        life_cycle_of(&self.plugin).maintain(&call(), &self.store).await
    }

    /// The same pool with another detail.
    pub(crate) fn with(&self, key: &str, value: &str) -> Self {
        let mut store = DataStore::clone(&self.store);
        store.details.insert(key, value);
        store.epoch += 1;
        Self { plugin: Arc::clone(&self.plugin), store: StoreContext::new(store) }
    }

    pub(crate) async fn capabilities(&self) -> DataStoreCapabilities {
        let driver = self.plugin.driver();
        driver.get_capabilities(&call(), &self.store).await.or_fail("ask what it can do")
    }

    async fn make(&self, mut volume: VolumeInfo, from: CreateSource) -> PluginResult<VolumeInfo> {
        let mut request = CreateRequest::new(volume.clone());
        request.source = from;
        let made = self.plugin.driver().create_async(&call(), &self.store, request).await?;
        volume.path = made.path;
        Ok(volume)
    }

    /// A blank volume.
    pub(crate) async fn create(
        &self,
        size: u64,
        how: ProvisioningType,
    ) -> PluginResult<VolumeInfo> {
        let mut volume = VolumeInfo::new(Uuid::new_v4(), "disk", size);
        volume.provisioning_type = how;
        self.make(volume, CreateSource::Blank).await
    }

    /// A volume without a hole.
    pub(crate) async fn full_volume(&self, size: u64) -> PluginResult<VolumeInfo> {
        let volume = self.create(size, ProvisioningType::Thin).await?;
        let offsets: Vec<_> = (0..size / MIB).map(|at| at * MIB).collect();
        self.write(&volume, BYTE, &offsets).await?;
        Ok(volume)
    }

    /// Writes a volume anew: a mebibyte of a byte at each of these offsets.
    pub(crate) async fn write(&self, to: &VolumeInfo, byte: u8, at: &[u64]) -> PluginResult<()> {
        let request = OpenWriterRequest::new(to.clone(), to.size_bytes);
        let opened = self.plugin.driver().open_writer(&call(), &self.store, request).await?;
        let mut writer = opened.writer;
        for offset in at {
            writer.write(chunk(*offset, byte, MIB)).await?;
        }
        writer.finish().await.map(drop)
    }

    /// A template with a mebibyte of data at each of these offsets.
    pub(crate) async fn template(&self, size: u64, at: &[u64]) -> PluginResult<TemplateInfo> {
        let mut template = TemplateInfo::new(Uuid::new_v4(), "template", ImageFormat::Raw, size);
        let driver = self.plugin.driver();
        let request = CreateRequest::new(template.clone());
        template.install_path = driver.create_async(&call(), &self.store, request).await?.path;
        let request = OpenWriterRequest::new(template.clone(), size);
        let mut writer = driver.open_writer(&call(), &self.store, request).await?.writer;
        for offset in at {
            writer.write(chunk(*offset, BYTE, MIB)).await?;
        }
        writer.finish().await?;
        Ok(template)
    }

    pub(crate) async fn volume_of(
        &self,
        template: &TemplateInfo,
        size: u64,
    ) -> PluginResult<VolumeInfo> {
        let volume = VolumeInfo::new(Uuid::new_v4(), "root", size);
        self.make(volume, CreateSource::Template(template.clone())).await
    }

    pub(crate) async fn resize(&self, volume: &VolumeInfo, size: u64) -> PluginResult<()> {
        let mut request = ResizeRequest::new(volume.clone(), size);
        request.shrink_ok = true;
        self.plugin.driver().resize(&call(), &self.store, request).await.map(drop)
    }

    pub(crate) async fn delete(&self, object: impl Into<DataObject>) -> PluginResult<()> {
        self.plugin.driver().delete_async(&call(), &self.store, object.into()).await
    }

    pub(crate) async fn first_byte_at(&self, of: &VolumeInfo, offset: u64) -> PluginResult<u8> {
        let mut request = OpenReaderRequest::new(of.clone());
        (request.offset, request.length) = (offset, Some(1));
        let mut reader = self.plugin.driver().open_reader(&call(), &self.store, request).await?;
        Ok(match reader.next().await? {
            Some(Chunk::Data { bytes, .. }) => bytes[0],
            _ => 0,
        })
    }

    pub(crate) async fn snapshot(&self, of: &VolumeInfo) -> PluginResult<SnapshotInfo> {
        let mut snapshot = SnapshotInfo::new(Uuid::new_v4(), "snapshot", of.clone());
        let request = TakeSnapshotRequest::new(snapshot.clone());
        let taken = self.plugin.driver().take_snapshot(&call(), &self.store, request).await?;
        snapshot.path = taken.path;
        Ok(snapshot)
    }

    pub(crate) async fn clone_of(&self, snapshot: SnapshotInfo) -> PluginResult<VolumeInfo> {
        let volume = VolumeInfo::new(Uuid::new_v4(), "clone", snapshot.volume.size_bytes);
        self.make(volume, CreateSource::Snapshot(snapshot)).await
    }

    pub(crate) async fn revert(&self, to: &SnapshotInfo) -> PluginResult<()> {
        let request = RevertSnapshotRequest::new(to.clone());
        self.plugin.driver().revert_snapshot(&call(), &self.store, request).await
    }

    pub(crate) async fn is_there(&self, volume: &VolumeInfo) -> PluginResult<bool> {
        let object = DataObject::from(volume.clone());
        let driver = self.plugin.driver();
        Ok(driver.describe(&call(), &self.store, object).await?.present)
    }

    pub(crate) async fn list(&self) -> PluginResult<Vec<ListedObject>> {
        let request = ListObjectsRequest::default();
        Ok(self.plugin.driver().list_objects(&call(), &self.store, request).await?.objects)
    }
}
