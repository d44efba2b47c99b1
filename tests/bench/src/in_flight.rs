//! What a crash leaves in the store, written there by the host's own room.

use anyhow::Context;
use std::path::Path;
use storage_host::model::{Caller, Journal, Operation, Phase, RecordKind, Volume, VolumeState};
use storage_host::store::{Change, Store};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{ImageFormat, ProvisioningType, VolumeType};

/// How many volumes are written in one transaction.
const TOGETHER: usize = 500;

/// Leaves so many volumes of a GiB in the middle of their creation.
///
/// # Errors
/// The store does not take them.
pub async fn leave(data_dir: &Path, zone: &str, pool: &str, count: usize) -> anyhow::Result<()> {
    let (zone, pool) = (zone.parse()?, pool.parse()?);
    let data_dir = data_dir.to_owned();
    let store = tokio::task::spawn_blocking(move || Store::open(data_dir)).await??;
    let repository = store.repository();
    for begin in (0..count).step_by(TOGETHER) {
        let mut changes = Vec::new();
        for number in begin..count.min(begin + TOGETHER) {
            changes.extend(one(zone, pool, number, repository.epoch())?);
        }
        repository.transact(changes).await?;
    }
    tokio::task::spawn_blocking(move || store.close()).await?;
    Ok(())
}

fn one(zone: Uuid, pool: Uuid, number: usize, epoch: u64) -> anyhow::Result<[Change; 4]> {
    let volume: Volume = serde_json::from_value(serde_json::json!({
        "uuid": Uuid::new_v4(),
        "name": format!("in-flight-{number}"),
        "state": VolumeState::Creating,
        "zone": zone,
        "pool": pool,
        "size_bytes": 1u64 << 30,
        "volume_type": VolumeType::DataDisk,
        "format": ImageFormat::Raw,
        "provisioning_type": ProvisioningType::Thin,
    }))
    .context("a volume as it is kept")?;
    let operation = Operation {
        uuid: Uuid::new_v4(),
        flow: "volume.create".to_owned(),
        flow_version: 1,
        state: serde_json::json!({ "volume": volume.uuid, "source": null }).to_string(),
        position: 0,
        phase: Phase::Running,
        attempt: 1,
        failure: None,
        waiting_for: None,
        cancel_requested: false,
        caller: Caller::admin(),
        command: "createVolume".to_owned(),
        object: Some((RecordKind::Volume, volume.uuid)),
        journal: Journal::default(),
        epoch,
        created_us: 0,
        updated_us: 0,
    };
    Ok([
        Change::insert(&volume),
        Change::Reserve { store: pool, owner: volume.uuid, bytes: volume.size_bytes },
        Change::Claim { name: format!("object:{}", volume.uuid), holder: operation.uuid },
        Change::Begin(Box::new(operation)),
    ])
}
