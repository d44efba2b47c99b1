//! What is not declared is refused, so that nobody relies on it by accident.

use super::super::failure::{Checked, Doing, Failure, refused};
use super::super::scene::Scene;
use super::super::subject::Subject;
use crate::*;
use std::sync::Arc;

/// Which stores have the method of an ability at all.
#[derive(PartialEq)]
enum Of {
    Any,
    Primary,
    Image,
}

type Declared = fn(&DataStoreCapabilities) -> bool;

/// Every ability that a method of its own belongs to.
const ABILITIES: &[(&str, Of, Declared)] = &[
    ("list_objects", Of::Any, |can| can.list_objects),
    ("extents", Of::Any, |can| can.extents),
    ("read", Of::Any, |can| can.read),
    ("write", Of::Any, |can| can.write),
    ("resize", Of::Primary, |can| can.resize),
    ("shrink", Of::Primary, |can| can.shrink || !can.resize),
    ("storage_system_snapshot", Of::Primary, |can| can.storage_system_snapshot),
    ("can_revert_volume_to_snapshot", Of::Primary, |can| can.can_revert_volume_to_snapshot),
    ("can_create_volume_from_volume", Of::Primary, |can| can.can_create_volume_from_volume),
    ("can_create_volume_from_snapshot", Of::Primary, |can| can.can_create_volume_from_snapshot),
    ("quality_of_service", Of::Primary, |can| can.quality_of_service),
    ("storage_stats", Of::Any, |can| can.storage_stats),
    ("custom_storage_stats", Of::Primary, |can| can.custom_storage_stats),
    ("volume_stats", Of::Primary, |can| can.volume_stats),
    ("import_volume", Of::Primary, |can| can.import_volume),
    ("replication", Of::Primary, |can| can.replication),
    ("extract_url", Of::Image, |can| can.extract_url),
    ("data_disk_templates", Of::Image, |can| can.data_disk_templates),
];

/// The abilities that a store does not declare.
pub(in super::super) fn undeclared(subject: &Subject) -> Vec<String> {
    let other = if subject.is_primary() { Of::Image } else { Of::Primary };
    ABILITIES
        .iter()
        .filter(|(_, of, declared)| *of != other && !declared(&subject.can))
        .map(|(name, ..)| (*name).to_owned())
        .collect()
}

pub(in super::super) async fn undeclared_ability_is_refused(scene: Arc<Scene>) -> Checked {
    let ability = scene.parameter.clone();
    let object = scene.whole().await?;
    let answer = match &object {
        DataObject::Volume(volume) => use_on_volume(&scene, &ability, volume).await?,
        _ => use_on_any(&scene, &ability, &object).await?,
    };
    let what = format!("using {ability}, which is not declared");
    refused(answer, &[PluginErrorKind::Unsupported], what)?;
    let kept = scene.expect_present(&object).await;
    kept.doing("after an ability was refused")?;
    scene.delete(&object).await
}

/// Uses an ability of every store, or of an image store.
async fn use_on_any(
    scene: &Scene,
    ability: &str,
    object: &DataObject,
) -> Checked<PluginResult<()>> {
    let object = object.clone();
    Ok(match ability {
        "list_objects" => scene.list_objects(ListObjectsRequest::default()).await.map(drop),
        "extents" => scene.extents(ExtentsRequest::new(object)).await.map(drop),
        "read" => scene.open_reader(OpenReaderRequest::new(object)).await.map(drop),
        "write" => {
            let size = object.size_bytes();
            scene.open_writer(OpenWriterRequest::new(object, size)).await.map(drop)
        }
        "storage_stats" => scene.get_image_store_stats().await.map(drop),
        "extract_url" => {
            let request = ExtractUrlRequest::new(object, 60_u64);
            scene.create_entity_extract_url(request).await.map(drop)
        }
        "data_disk_templates" => match object {
            DataObject::Template(template) => {
                let request = DataDiskTemplatesRequest::new(template);
                scene.get_data_disk_templates(request).await.map(drop)
            }
            _ => return Err(Failure::new("the kit made something else than a template")),
        },
        other => {
            return Err(Failure::new(format!("the kit does not know how to use {other}")));
        }
    })
}

/// Uses an ability of a storage pool.
async fn use_on_volume(
    scene: &Scene,
    ability: &str,
    volume: &VolumeInfo,
) -> Checked<PluginResult<()>> {
    let one = volume.clone();
    Ok(match ability {
        "resize" => {
            let larger = scene.size(one.size_bytes * 2);
            scene.resize(ResizeRequest::new(one, larger)).await.map(drop)
        }
        "shrink" => {
            let mut request = ResizeRequest::new(one, scene.size(volume.size_bytes / 2));
            request.shrink_ok = true;
            scene.resize(request).await.map(drop)
        }
        "storage_system_snapshot" => {
            let request = TakeSnapshotRequest::new(tracked_snapshot(scene, volume));
            scene.take_snapshot(request).await.map(drop)
        }
        "can_revert_volume_to_snapshot" => {
            let snapshot = some_snapshot(scene, volume).await?;
            scene.revert_snapshot(RevertSnapshotRequest::new(snapshot)).await
        }
        "can_create_volume_from_volume" => make(scene, CreateSource::Volume(one)).await,
        "can_create_volume_from_snapshot" => {
            let snapshot = some_snapshot(scene, volume).await?;
            make(scene, CreateSource::Snapshot(snapshot)).await
        }
        "quality_of_service" => {
            let request = QosRequest::new(one, QualityOfService::default());
            scene.update_quality_of_service(request).await
        }
        "storage_stats" => scene.get_storage_stats().await.map(drop),
        "custom_storage_stats" => scene.get_custom_storage_stats().await.map(drop),
        "volume_stats" => scene.get_volume_stats(one).await.map(drop),
        "import_volume" => {
            let request = ImportRequest::new(one.path);
            scene.validate_volume_for_import(request).await.map(drop)
        }
        "replication" => {
            let request = ReplicationRequest::new(one, ReplicationAction::Status);
            scene.replicate(request).await.map(drop)
        }
        other => return use_on_any(scene, other, &one.into()).await,
    })
}

/// A snapshot that is not taken.
fn tracked_snapshot(scene: &Scene, volume: &VolumeInfo) -> SnapshotInfo {
    let snapshot = scene.new_snapshot(volume);
    scene.track(&snapshot.clone().into());
    snapshot
}

/// A snapshot of a volume: a real one, where the storage takes some.
async fn some_snapshot(scene: &Scene, volume: &VolumeInfo) -> Checked<SnapshotInfo> {
    if scene.can.storage_system_snapshot {
        return scene.take(scene.new_snapshot(volume)).await;
    }
    let mut snapshot = scene.new_snapshot(volume);
    snapshot.path = "conformance-no-snapshot".to_owned();
    Ok(snapshot)
}

async fn make(scene: &Scene, source: CreateSource) -> PluginResult<()> {
    let object = scene.new_object(scene.usual_size());
    scene.track(&object);
    let mut request = CreateRequest::new(object);
    request.source = source;
    scene.create_async(request).await.map(drop)
}
