//! Methods on objects that are not there, and bytes where none belong.

use super::super::failure::{Checked, Doing, Failure, refused};
use super::super::scene::{Named, Scene, set_path};
use super::super::subject::Subject;
use crate::*;
use std::sync::Arc;

/// The methods that need an object, as far as the store has them.
pub(in super::super) fn methods(subject: &Subject) -> Vec<String> {
    let can = &subject.can;
    let primary = subject.is_primary();
    [
        ("open_reader", can.read),
        ("open_writer", can.write && primary),
        ("extents", can.extents),
        ("grant_access", primary),
        ("resize", primary && can.resize),
        ("take_snapshot", primary && can.storage_system_snapshot),
        ("revert_snapshot", primary && can.can_revert_volume_to_snapshot),
        ("get_volume_stats", primary && can.volume_stats),
        ("update_quality_of_service", primary && can.quality_of_service),
        ("create_entity_extract_url", !primary && can.extract_url),
    ]
    .into_iter()
    .filter(|(_, applies)| *applies)
    .map(|(method, _)| method.to_owned())
    .collect()
}

/// Tried on an object that is gone, of which the path is still known, and on one that never was.
pub(in super::super) async fn missing_object_is_not_found(scene: Arc<Scene>) -> Checked {
    let gone = scene.whole().await?;
    scene.delete(&gone).await?;
    let mut never = scene.new_object(scene.usual_size());
    for object in [gone, never.clone()] {
        try_method(&scene, &object).await?;
    }
    // The path of another kind of object altogether.
    set_path(&mut never, "conformance/no/such/object".to_owned());
    try_method(&scene, &never).await
}

async fn try_method(scene: &Scene, object: &DataObject) -> Checked {
    let answer = match object {
        DataObject::Volume(volume) => call_on_volume(scene, volume).await?,
        _ => call_on_any(scene, object).await?,
    };
    let what = format!("{} on {}, which is missing", scene.parameter, Named(object));
    refused(answer, &[PluginErrorKind::NotFound], what)?;
    scene.expect_absent(object, "after a method that needs it").await
}

async fn call_on_any(scene: &Scene, object: &DataObject) -> Checked<PluginResult<()>> {
    let object = object.clone();
    Ok(match scene.parameter.as_str() {
        "open_reader" => scene.open_reader(OpenReaderRequest::new(object)).await.map(drop),
        "open_writer" => {
            let size = object.size_bytes();
            scene.open_writer(OpenWriterRequest::new(object, size)).await.map(drop)
        }
        "extents" => scene.extents(ExtentsRequest::new(object)).await.map(drop),
        "create_entity_extract_url" => {
            let request = ExtractUrlRequest::new(object, 60_u64);
            scene.create_entity_extract_url(request).await.map(drop)
        }
        other => {
            return Err(Failure::new(format!("the kit does not know how to call {other}")));
        }
    })
}

async fn call_on_volume(scene: &Scene, volume: &VolumeInfo) -> Checked<PluginResult<()>> {
    let one = volume.clone();
    let snapshot = || {
        let snapshot = scene.new_snapshot(volume);
        scene.track(&snapshot.clone().into());
        snapshot
    };
    Ok(match scene.parameter.as_str() {
        "grant_access" => {
            let request = AccessRequest::new(one, scene.stage.hypervisor_host.clone());
            scene.grant_access(request).await.map(drop)
        }
        "resize" => {
            let larger = scene.size(one.size_bytes * 2);
            scene.resize(ResizeRequest::new(one, larger)).await.map(drop)
        }
        "take_snapshot" => {
            scene.take_snapshot(TakeSnapshotRequest::new(snapshot())).await.map(drop)
        }
        "revert_snapshot" => scene.revert_snapshot(RevertSnapshotRequest::new(snapshot())).await,
        "get_volume_stats" => scene.get_volume_stats(one).await.map(drop),
        "update_quality_of_service" => {
            let request = QosRequest::new(one, QualityOfService::default());
            scene.update_quality_of_service(request).await
        }
        _ => return call_on_any(scene, &one.into()).await,
    })
}

pub(in super::super) async fn write_beyond_the_object_is_refused(scene: Arc<Scene>) -> Checked {
    let object = scene.blank().await?;
    let size = object.size_bytes();
    if scene.is_primary() {
        let request = OpenWriterRequest::new(object.clone(), size + (1 << 20));
        let opened = scene.open_writer(request).await.map(drop);
        let what = "opening a writer for more bytes than the volume has";
        refused(opened, &[PluginErrorKind::InvalidArgument], what)?;
    }
    // The errors of a chunk may come with a later one, or at the end: writes are not waited for.
    for (what, first, second) in [
        ("writing behind the end that was announced", 0, size - 1),
        ("writing before the last chunk", 8192, 4096),
    ] {
        let mut writer = scene.writer(&object, size, None).await?;
        let mut answer = Ok(());
        for offset in [first, second] {
            let chunk = Chunk::Data { offset, bytes: vec![7; 4096].into() };
            if answer.is_ok() {
                answer = scene.write_chunk(writer.as_mut(), chunk).await.map(drop);
            }
        }
        if answer.is_ok() {
            answer = scene.finish_write(writer.as_mut()).await.map(drop);
        }
        refused(answer, &[PluginErrorKind::InvalidArgument], what)?;
    }
    scene.describe(object.clone()).await.doing("describing it after refused writes")?;
    scene.delete(&object).await
}
