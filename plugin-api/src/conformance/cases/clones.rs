//! Volumes made from volumes and snapshots.

use super::super::failure::{Checked, Doing, ensure};
use super::super::scene::{Named, Scene};
use super::snapshots::overwrite;
use crate::{CreateSource, DataObject};
use std::sync::Arc;

/// Makes a volume from something and checks its identity and size.
async fn make(
    scene: &Scene,
    size: u64,
    source: CreateSource,
    of: &DataObject,
) -> Checked<DataObject> {
    let clone = scene.create(scene.new_object(size), source).await?;
    let description = scene.expect_present(&clone).await?;
    ensure(description.size_bytes >= size, || {
        format!(
            "the size of {}: expected at least {size} bytes, got {}",
            Named(&clone),
            description.size_bytes
        )
    })?;
    ensure(clone.path() != of.path(), || {
        format!("making {}: expected a path of its own, got that of its source", Named(&clone))
    })?;
    Ok(clone)
}

pub(in super::super) async fn clone_is_independent(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let source = CreateSource::Volume(volume.clone());
    let clone = make(&scene, volume.size_bytes, source, &volume.clone().into()).await?;
    if scene.moves_bytes() {
        scene.expect_bytes(&clone, &pattern).await.doing("reading the clone")?;
    }
    let volume = overwrite(&scene, &volume).await?;
    if scene.moves_bytes() {
        let read = scene.expect_bytes(&clone, &pattern).await;
        read.doing("reading the clone after its source was overwritten")?;
    }
    scene.delete(&clone).await?;
    scene.expect_present(&volume.clone().into()).await.doing("after its clone was deleted")?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn volume_from_snapshot_has_its_bytes(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let snapshot = scene.take(scene.new_snapshot(&volume)).await?;
    let volume = overwrite(&scene, &volume).await?;
    let source = CreateSource::Snapshot(snapshot.clone());
    let of = DataObject::from(snapshot);
    let clone = make(&scene, volume.size_bytes, source, &of).await?;
    if scene.moves_bytes() {
        let read = scene.expect_bytes(&clone, &pattern).await;
        read.doing("reading a volume made from a snapshot")?;
    }
    scene.delete(&clone).await?;
    scene.delete(&of).await?;
    scene.delete(&volume.into()).await
}
