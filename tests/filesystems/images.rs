//! Image stores of the plugin `nfs` on a file system that is full, read-only, or not mounted.

use crate::mount::Mount;
use crate::pool::MIB;
use crate::{expect, run};
use bytes::Bytes;
use libtest_mimic::Failed;
use serde_json::Map;
use std::path::Path;
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CallContext, CheckpointToken, Chunk, CreateRequest, DataObject, DataStore, DataStoreLifeCycle,
    DataStoreProvider, DataStoreProviderType, DataStoreRole, Driver, ImageStoreDriver,
    InitializeRequest, LifeCycle, OpenWriterRequest, PluginErrorKind, PluginResult, Scope,
    StoreContext, VolumeInfo, WriteResult,
};
use tests::{OrFail, Plugin, Skin, artifacts, memory_host};

/// An image store.
struct Images {
    driver: Arc<dyn ImageStoreDriver>,
    life_cycle: Arc<dyn DataStoreLifeCycle>,
    store: StoreContext,
    _plugin: Plugin,
}

fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

impl Images {
    async fn new(path: &Path) -> Self {
        let library = artifacts::library("storage-image-nfs");
        let plugin = Plugin::load_file(Skin::InProcess, &library, Map::new(), memory_host()).await;
        let of = DataStoreProviderType::Image;
        let driver = match plugin.provider().get_data_store_driver(of) {
            Some(Driver::Image(driver)) => Some(driver),
            _ => None,
        };
        let life_cycle = match plugin.provider().get_data_store_life_cycle(of) {
            Some(LifeCycle::Image(life_cycle)) => Some(life_cycle),
            _ => None,
        }
        .or_fail("a life cycle of image stores");
        let (role, scope) = (DataStoreRole::Image, Scope::zone(Uuid::new_v4()));
        let mut request = InitializeRequest::new(Uuid::new_v4(), role, "images", scope);
        request.installation_id = "ins-tests".to_owned();
        request.url = format!("file://{}", path.display());
        let mut store = DataStore::new(request.uuid, role);
        store.installation_id = request.installation_id.clone();
        store.url = request.url.clone();
        store.epoch = 1;
        life_cycle.initialize(&call(), request).await.or_fail("add the store");
        let driver = driver.or_fail("a driver of image stores");
        Self { driver, life_cycle, store: StoreContext::new(store), _plugin: plugin }
    }

    async fn create(&self, size: u64) -> PluginResult<VolumeInfo> {
        let mut volume = VolumeInfo::new(Uuid::new_v4(), "disk", size);
        (volume.id, volume.account_id) = (17, 2);
        let request = CreateRequest::new(volume.clone());
        self.driver.create_async(&call(), &self.store, request).await?;
        Ok(volume)
    }

    /// Writes a volume without a hole, from a token on; the latest token comes back in any case.
    async fn write(
        &self,
        of: &VolumeInfo,
        token: &mut Option<CheckpointToken>,
    ) -> PluginResult<WriteResult> {
        let mut request = OpenWriterRequest::new(of.clone(), of.size_bytes);
        request.resume.clone_from(token);
        let mut opened = self.driver.open_writer(&call(), &self.store, request).await?;
        for at in opened.offset / MIB..of.size_bytes / MIB {
            let bytes = Bytes::from(vec![at as u8 | 1; MIB as usize]);
            let newer = opened.writer.write(Chunk::Data { offset: at * MIB, bytes }).await?;
            *token = newer.or(token.take());
        }
        opened.writer.finish().await
    }

    async fn is_there(&self, volume: &VolumeInfo) -> PluginResult<bool> {
        let object = DataObject::from(volume.clone());
        Ok(self.driver.describe(&call(), &self.store, object).await?.present)
    }

    async fn delete(&self, volume: &VolumeInfo) -> PluginResult<()> {
        self.driver.delete_async(&call(), &self.store, volume.clone().into()).await
    }
}

pub(crate) fn is_full() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", 160 * MIB);
        let images = Images::new(&mount.path().join("images")).await;
        let filler = mount.path().join("filler");
        std::fs::write(&filler, vec![1; 64 * MIB as usize]).or_fail("fill the disk");
        let volume = images.create(100 * MIB).await?;
        let mut token = None;
        let full = images.write(&volume, &mut token).await;
        let error = full.err().ok_or("a full disk takes everything")?;
        expect(error.kind() == PluginErrorKind::CapacityExceeded, || error.to_string())?;
        expect(!images.is_there(&volume).await?, || "half of it is there".to_owned())?;
        let reached = token.as_ref().map_or(0, |token| token.offset);
        expect(reached >= 32 * MIB, || format!("there is a token of {reached} only"))?;

        std::fs::remove_file(&filler).or_fail("make room");
        let written = images.write(&volume, &mut token).await?;
        expect(written.digest.is_some(), || "the digest is lost".to_owned())?;
        expect(images.is_there(&volume).await?, || "it is not there".to_owned())?;
        images.delete(&volume).await?;
        images.life_cycle.delete_data_store(&call(), &images.store).await?;
        expect(!mount.path().join("images").exists(), || "something is left".to_owned())
    })
}

pub(crate) fn is_read_only() -> Result<(), Failed> {
    run(async {
        let mut mount = Mount::new("ext4", 64 * MIB);
        let images = Images::new(mount.path()).await;
        let volume = images.create(MIB).await?;
        images.write(&volume, &mut None).await?;
        // The lock of a living host is open for writing, and would keep it from becoming so.
        images.life_cycle.maintain(&call(), &images.store).await?;
        mount.make_read_only();
        expect(images.is_there(&volume).await?, || "it cannot be looked at".to_owned())?;
        for answer in [
            images.create(MIB).await.map(drop),
            images.write(&volume, &mut None).await.map(drop),
            images.delete(&volume).await,
        ] {
            let error = answer.err().ok_or("a read-only disk takes something")?;
            let is_said = error.to_string().contains("Read-only file system");
            let is_denied = error.kind() == PluginErrorKind::PermissionDenied;
            expect(is_denied && is_said, || error.to_string())?;
        }
        expect(images.is_there(&volume).await?, || "it went all the same".to_owned())
    })
}

pub(crate) fn is_not_mounted() -> Result<(), Failed> {
    run(async {
        let mut mount = Mount::new("ext4", 64 * MIB);
        let images = Images::new(mount.path()).await;
        let volume = images.create(MIB).await?;
        images.write(&volume, &mut None).await?;
        images.life_cycle.maintain(&call(), &images.store).await?;
        mount.unmount();
        for answer in [
            images.is_there(&volume).await.map(drop),
            images.create(MIB).await.map(drop),
            images.delete(&volume).await,
        ] {
            let error = answer.err().ok_or("an unmounted store answers")?;
            let is_said = error.to_string().contains("is it mounted?");
            expect(error.kind() == PluginErrorKind::Unavailable && is_said, || error.to_string())?;
        }
        let below = std::fs::read_dir(mount.path()).or_fail("list").count();
        expect(below == 0, || format!("{below} files lie below the mount point"))?;
        mount.mount();
        expect(images.is_there(&volume).await?, || "the volume did not come back".to_owned())
    })
}
