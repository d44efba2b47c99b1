//! Space, and limits of operations.

use super::super::failure::{Checked, Doing, ensure, equal};
use super::super::scene::Scene;
use crate::{QosRequest, QualityOfService, SizeOnPoolRequest, StorageStats, VolumeInfo};
use std::sync::Arc;

pub(in super::super) async fn stats_are_sensible(scene: Arc<Scene>) -> Checked {
    let volume = scene.volume().await?;
    if scene.can.storage_stats {
        let stats = scene.get_storage_stats().await.doing("asking for the space of the pool")?;
        check_space("pool", &stats)?;
    }
    if scene.can.custom_storage_stats {
        let stats = scene.get_custom_storage_stats().await;
        stats.doing("asking for the vendor's own figures")?;
    }
    if scene.can.volume_stats {
        let stats = scene.get_volume_stats(volume.clone()).await;
        let stats = stats.doing("asking for the space of a volume")?;
        let what = "the virtual size in the volume's figures";
        equal(what, volume.size_bytes, stats.virtual_size_bytes)?;
    }
    check_sizes_on_pool(&scene, &volume).await?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn image_store_stats_are_sensible(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let stats = scene.get_image_store_stats().await.doing("asking for the space of the store")?;
    check_space("store", &stats)?;
    scene.delete(&object).await
}

fn check_space(what: &str, stats: &StorageStats) -> Checked {
    ensure(stats.used_bytes <= stats.capacity_bytes, || {
        format!(
            "the space of the {what}: expected used to be at most {} bytes, got {}",
            stats.capacity_bytes, stats.used_bytes
        )
    })
}

async fn check_sizes_on_pool(scene: &Scene, volume: &VolumeInfo) -> Checked {
    let size = volume.size_bytes;
    let needed = scene.get_volume_size_required_on_pool(SizeOnPoolRequest::new(size)).await;
    let needed = needed.doing("asking what a volume takes from the pool")?;
    let reserved = scene.get_size_including_hypervisor_snapshot_reserve(volume.clone()).await;
    let reserved = reserved.doing("asking what a volume takes with its snapshot reserve")?;
    for (what, got) in [
        ("what a volume takes from the pool", needed),
        ("what a volume takes with its snapshot reserve", reserved),
    ] {
        ensure(got >= size, || format!("{what}: expected at least {size} bytes, got {got}"))?;
    }
    Ok(())
}

pub(in super::super) async fn quality_of_service_is_taken(scene: Arc<Scene>) -> Checked {
    let volume = scene.volume().await?;
    let limits = QualityOfService {
        min_iops: Some(100),
        max_iops: Some(1000),
        ..QualityOfService::default()
    };
    for time in ["once", "twice"] {
        let request = QosRequest::new(volume.clone(), limits);
        let answer = scene.update_quality_of_service(request).await;
        answer.doing(format_args!("setting the limits of a volume {time}"))?;
    }
    let lifted = QosRequest::new(volume.clone(), QualityOfService::default());
    let answer = scene.update_quality_of_service(lifted).await;
    answer.doing("lifting the limits of a volume")?;
    scene.delete(&volume.into()).await
}
