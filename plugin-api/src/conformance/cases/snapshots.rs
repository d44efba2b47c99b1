//! Snapshots that the storage takes.

use super::super::failure::{Checked, Doing, Failure, equal};
use super::super::pattern::Pattern;
use super::super::scene::{Scene, without_path};
use super::super::subject::Subject;
use crate::{
    CreateSource, DataObject, OpenReaderRequest, PluginErrorKind, RevertSnapshotRequest,
    SnapshotInfo, TakeSnapshotRequest, VolumeInfo,
};
use std::sync::Arc;

/// Whether snapshots are taken on the storage.
pub(in super::super) fn are_taken(subject: &Subject) -> bool {
    subject.is_primary() && subject.can.storage_system_snapshot
}

/// Whether their bytes can be looked at as well.
pub(in super::super) fn are_taken_and_bytes_moved(subject: &Subject) -> bool {
    are_taken(subject) && subject.moves_bytes()
}

/// Overwrites a volume with other bytes, where the store moves bytes.
pub(super) async fn overwrite(scene: &Scene, volume: &VolumeInfo) -> Checked<VolumeInfo> {
    if !scene.moves_bytes() {
        return Ok(volume.clone());
    }
    let mut object = DataObject::from(volume.clone());
    let size = volume.size_bytes;
    let other = Pattern::front(scene.stage.seed(), size, size);
    scene.fill(&mut object, &other).await.doing("overwriting the volume")?;
    scene.expect_bytes(&object, &other).await.doing("after it was overwritten")?;
    super::super::scene::volume_of(object)
}

/// Checks what a snapshot holds: read as it is, through a clone, or by reverting.
async fn expect_snapshot_bytes(
    scene: &Scene,
    snapshot: &SnapshotInfo,
    pattern: &Pattern,
) -> Checked {
    let object = DataObject::from(snapshot.clone());
    let opened = scene.open_reader(OpenReaderRequest::new(object.clone())).await;
    match opened {
        Err(error) if error.kind() == PluginErrorKind::Unsupported => {}
        // Whatever else it answers is checked below.
        _ => {
            let read = scene.expect_bytes(&object, pattern).await;
            return read.doing("reading the snapshot");
        }
    }
    if scene.can.can_create_volume_from_snapshot {
        let clone = scene.new_object(snapshot.volume.size_bytes);
        let source = CreateSource::Snapshot(snapshot.clone());
        let clone = scene.create(clone, source).await?;
        let read = scene.expect_bytes(&clone, pattern).await;
        read.doing("reading a volume made from the snapshot")?;
        return scene.delete(&clone).await;
    }
    if scene.can.can_revert_volume_to_snapshot {
        revert(scene, snapshot).await?;
        let volume = DataObject::from((*snapshot.volume).clone());
        let read = scene.expect_bytes(&volume, pattern).await;
        return read.doing("reading the volume after reverting it to the snapshot");
    }
    Err(Failure::new(
        "a snapshot: expected it to be readable, clonable or revertable, got none of these",
    ))
}

async fn revert(scene: &Scene, snapshot: &SnapshotInfo) -> Checked {
    let request = RevertSnapshotRequest::new(snapshot.clone());
    let answer = scene.revert_snapshot(request).await;
    answer.doing("reverting the volume to its snapshot")
}

pub(in super::super) async fn snapshot_keeps_the_bytes(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let snapshot = scene.take(scene.new_snapshot(&volume)).await?;
    scene.expect_present(&snapshot.clone().into()).await?;
    let volume = overwrite(&scene, &volume).await?;
    expect_snapshot_bytes(&scene, &snapshot, &pattern).await?;
    scene.delete(&snapshot.into()).await?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn snapshot_twice_is_once(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let snapshot = scene.take(scene.new_snapshot(&volume)).await?;
    let volume = overwrite(&scene, &volume).await?;
    let DataObject::Snapshot(again) = without_path(&snapshot.clone().into()) else {
        return Err(Failure::new("the kit made something else than a snapshot"));
    };
    let result = scene.take_snapshot(TakeSnapshotRequest::new(again)).await;
    let result = result.doing("taking the same snapshot again")?;
    equal("the path when taken again", &snapshot.path, &result.path)?;
    scene.expect_present(&snapshot.clone().into()).await?;
    if scene.moves_bytes() {
        let read = expect_snapshot_bytes(&scene, &snapshot, &pattern).await;
        read.doing("after it was taken again")?;
    }
    scene.delete(&snapshot.into()).await?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn revert_brings_the_bytes_back(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let mut snapshot = scene.take(scene.new_snapshot(&volume)).await?;
    for time in ["once", "twice"] {
        *snapshot.volume = overwrite(&scene, &snapshot.volume).await?;
        revert(&scene, &snapshot).await.doing(time)?;
        let object = DataObject::from((*snapshot.volume).clone());
        let description = scene.expect_present(&object).await?;
        let what = "the size after reverting";
        equal(what, volume.size_bytes, description.size_bytes)?;
        if scene.moves_bytes() {
            let read = scene.expect_bytes(&object, &pattern).await;
            read.doing(format_args!("after reverting {time}"))?;
        }
        let kept = scene.expect_present(&snapshot.clone().into()).await;
        kept.doing("after reverting to it")?;
    }
    let volume = (*snapshot.volume).clone();
    scene.delete(&snapshot.into()).await?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn snapshot_outlives_its_volume(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let snapshot = scene.take(scene.new_snapshot(&volume)).await?;
    scene.delete(&volume.into()).await.doing("with a snapshot")?;
    let object = DataObject::from(snapshot.clone());
    scene.expect_present(&object).await.doing("after its volume was deleted")?;
    if scene.moves_bytes() && scene.can.can_create_volume_from_snapshot {
        let clone = scene.new_object(snapshot.volume.size_bytes);
        let clone = scene.create(clone, CreateSource::Snapshot(snapshot)).await?;
        scene.expect_bytes(&clone, &pattern).await.doing("after its volume was deleted")?;
        scene.delete(&clone).await?;
    }
    scene.delete(&object).await
}
