//! Image stores of the plugin `nfs` on a file system that is full, read-only, or not mounted.

use crate::mount::Mount;
use crate::pool::MIB;
use bytes::Bytes;
use libtest_mimic::Failed;
use serde_json::Map;
use std::path::Path;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CheckpointToken, Chunk, CreateRequest, OpenWriterRequest, PluginErrorKind, PluginResult,
    VolumeInfo, WriteResult,
};
use tests::{Images, OrFail, Skin, call, expect, run};

/// An image store in a directory.
struct Stored(Images);

impl Stored {
    async fn new(path: &Path) -> Self {
        let url = format!("file://{}", path.display());
        Self(Images::new(Skin::InProcess, Map::new(), &url).await)
    }

    async fn create(&self, size: u64) -> PluginResult<VolumeInfo> {
        let mut volume = VolumeInfo::new(Uuid::new_v4(), "disk", size);
        (volume.id, volume.account_id) = (17, 2);
        let request = CreateRequest::new(volume.clone());
        self.0.driver().create_async(&call(), &self.0.store, request).await?;
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
        let mut opened = self.0.driver().open_writer(&call(), &self.0.store, request).await?;
        for at in opened.offset / MIB..of.size_bytes / MIB {
            let bytes = Bytes::from(vec![at as u8 | 1; MIB as usize]);
            let newer = opened.writer.write(Chunk::Data { offset: at * MIB, bytes }).await?;
            *token = newer.or(token.take());
        }
        opened.writer.finish().await
    }

    async fn is_there(&self, volume: &VolumeInfo) -> PluginResult<bool> {
        self.0.is_there(volume.clone()).await
    }

    async fn delete(&self, volume: &VolumeInfo) -> PluginResult<()> {
        self.0.driver().delete_async(&call(), &self.0.store, volume.clone().into()).await
    }
}

pub(crate) fn is_full() -> Result<(), Failed> {
    run(async {
        let mount = Mount::new("ext4", 160 * MIB);
        let images = Stored::new(&mount.path().join("images")).await;
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
        images.0.life_cycle().delete_data_store(&call(), &images.0.store).await?;
        expect(!mount.path().join("images").exists(), || "something is left".to_owned())
    })
}

pub(crate) fn is_read_only() -> Result<(), Failed> {
    run(async {
        let mut mount = Mount::new("ext4", 64 * MIB);
        let images = Stored::new(mount.path()).await;
        let volume = images.create(MIB).await?;
        images.write(&volume, &mut None).await?;
        // The lock of a living host is open for writing, and would keep it from becoming so.
        images.0.life_cycle().maintain(&call(), &images.0.store).await?;
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
        let images = Stored::new(mount.path()).await;
        let volume = images.create(MIB).await?;
        images.write(&volume, &mut None).await?;
        images.0.life_cycle().maintain(&call(), &images.0.store).await?;
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
