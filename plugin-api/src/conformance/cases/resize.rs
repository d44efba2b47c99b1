//! Volumes that grow and shrink.

use super::super::failure::{Checked, Doing, ensure, equal, refused};
use super::super::scene::{Scene, adopt};
use crate::{DataObject, PluginErrorKind, ResizeRequest, VolumeInfo};
use std::sync::Arc;

async fn resize(
    scene: &Scene,
    volume: &mut VolumeInfo,
    new_size_bytes: u64,
    shrink_ok: bool,
) -> Checked {
    let mut request = ResizeRequest::new(volume.clone(), new_size_bytes);
    request.shrink_ok = shrink_ok;
    let from = volume.size_bytes;
    let result = scene.resize(request).await;
    let result = result.doing(format_args!("resizing from {from} to {new_size_bytes} bytes"))?;
    let mut object = DataObject::from(volume.clone());
    let (path, details) = (volume.path.clone(), volume.details.clone());
    adopt(&mut object, &result);
    if let DataObject::Volume(resized) = object {
        *volume = resized;
    }
    if result.path.is_empty() {
        volume.path = path;
    }
    if result.details.is_empty() {
        volume.details = details;
    }
    volume.size_bytes = result.size_bytes.unwrap_or(new_size_bytes);
    scene.track(&volume.clone().into());
    Ok(())
}

pub(in super::super) async fn grow_keeps_the_bytes(scene: Arc<Scene>) -> Checked {
    let (mut volume, pattern) = scene.filled_volume().await?;
    let wanted = scene.size(volume.size_bytes.saturating_mul(2));
    resize(&scene, &mut volume, wanted, false).await?;
    let description = scene.expect_present(&volume.clone().into()).await?;
    ensure(description.size_bytes >= wanted, || {
        format!(
            "the size of a volume that grew: expected at least {wanted} bytes, got {}",
            description.size_bytes
        )
    })?;
    let size = volume.size_bytes;
    equal("the size that resize answered and describe tells", size, description.size_bytes)?;
    if scene.can.read {
        let bytes = scene.read_back(&volume.clone().into(), &pattern, 0, None).await;
        let read = bytes.doing("after the volume grew")?;
        equal("where a read of the volume that grew ended", size, read.end)?;
    }
    resize(&scene, &mut volume, wanted, false).await.doing("to the size it has already")?;
    scene.delete(&volume.into()).await
}

/// A size that is smaller than that of a volume, and allowed.
fn smaller(scene: &Scene, volume: &VolumeInfo) -> u64 {
    scene.size(volume.size_bytes / 2)
}

pub(in super::super) async fn shrink_with_consent_works(scene: Arc<Scene>) -> Checked {
    let (mut volume, pattern) = scene.filled_volume().await?;
    let wanted = smaller(&scene, &volume);
    resize(&scene, &mut volume, wanted, true).await?;
    let object = DataObject::from(volume.clone());
    let description = scene.expect_present(&object).await?;
    let what = "the size that resize answered and describe tells";
    equal(what, volume.size_bytes, description.size_bytes)?;
    if scene.moves_bytes() {
        let read = scene.read_back(&object, &pattern, 0, Some(wanted)).await;
        read.doing("after the volume shrank")?;
    }
    scene.delete(&object).await
}

pub(in super::super) async fn shrink_needs_consent(scene: Arc<Scene>) -> Checked {
    let (volume, pattern) = scene.filled_volume().await?;
    let wanted = smaller(&scene, &volume);
    let request = ResizeRequest::new(volume.clone(), wanted);
    let kinds = if scene.can.shrink {
        &[PluginErrorKind::InvalidArgument][..]
    } else {
        &[PluginErrorKind::InvalidArgument, PluginErrorKind::Unsupported][..]
    };
    let answer = scene.resize(request).await;
    refused(answer, kinds, "resizing to a smaller size without consent")?;
    let object = DataObject::from(volume);
    let description = scene.expect_present(&object).await?;
    let what = "the size after a refused resize";
    equal(what, object.size_bytes(), description.size_bytes)?;
    if scene.moves_bytes() {
        scene.expect_bytes(&object, &pattern).await.doing("after a refused resize")?;
    }
    scene.delete(&object).await
}
