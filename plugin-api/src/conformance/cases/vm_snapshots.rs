//! Instance snapshots: several volumes at one point in time.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::pattern::Pattern;
use super::super::scene::Scene;
use super::super::subject::Subject;
use super::snapshots::overwrite;
use crate::{
    CallContext, DataObject, PluginResult, SnapshotInfo, StrategyPriority, StrategyVerdict,
    VmInstance, VmSnapshot, VmSnapshotResult, VmSnapshotStrategy, VmSnapshotType, VolumeInfo,
    VolumeSnapshot, VolumeType,
};
use std::future::Future;
use std::sync::Arc;

pub(in super::super) fn has_strategy(subject: &Subject) -> bool {
    subject.is_primary() && subject.stage.provider.get_vm_snapshot_strategy().is_some()
}

fn strategy(scene: &Scene) -> Checked<Arc<dyn VmSnapshotStrategy>> {
    scene.stage.provider.get_vm_snapshot_strategy().ok_or_else(|| {
        Failure::new("expected the instance snapshot strategy that was there before, got none")
    })
}

fn snapshot_of(scene: &Scene, volumes: &[VolumeInfo]) -> VmSnapshot {
    let store = scene.store();
    let stored: Vec<_> = volumes
        .iter()
        .map(|volume| {
            let name = scene.stage.name();
            let snapshot = SnapshotInfo::new(scene.stage.uuid(), name, volume.clone());
            VolumeSnapshot::new((*store).clone(), snapshot)
        })
        .collect();
    let vm = VmInstance::new(scene.stage.uuid(), "i-2-7-VM");
    let mut snapshot = VmSnapshot::new(scene.stage.uuid(), vm, stored);
    snapshot.id = scene.stage.number();
    snapshot.name = scene.stage.name();
    snapshot.snapshot_type = Some(VmSnapshotType::Disk);
    snapshot
}

/// Awaits a method of the strategy within the window.
async fn ask<T>(
    scene: &Scene,
    what: &str,
    call: &CallContext,
    running: impl Future<Output = PluginResult<T>>,
) -> Checked<T> {
    scene.stage.within(call, what, running).await.doing(what)
}

async fn verdict(scene: &Scene, snapshot: &VmSnapshot) -> Checked<StrategyVerdict> {
    let (call, strategy) = (scene.stage.call(), strategy(scene)?);
    let running = strategy.can_handle(&call, snapshot.clone());
    let verdict = ask(scene, "asking the strategy whether it can", &call, running).await?;
    ensure(verdict.priority != StrategyPriority::Unknown, || {
        "the priority of the strategy: expected a word of the contract, got Unknown".to_owned()
    })?;
    ensure(!verdict.reason.trim().is_empty(), || {
        format!("the reason for {}: expected a sentence, got none", verdict.priority)
    })?;
    Ok(verdict)
}

pub(in super::super) async fn vm_snapshot_strategy_gives_reasons(scene: Arc<Scene>) -> Checked {
    let volume = scene.volume().await?;
    verdict(&scene, &snapshot_of(&scene, std::slice::from_ref(&volume))).await?;
    let with_memory = {
        let mut snapshot = snapshot_of(&scene, std::slice::from_ref(&volume));
        snapshot.snapshot_type = Some(VmSnapshotType::DiskAndMemory);
        snapshot
    };
    verdict(&scene, &with_memory).await.doing("with memory")?;
    let mut elsewhere = snapshot_of(&scene, std::slice::from_ref(&volume));
    for stored in &mut elsewhere.volumes {
        stored.store.uuid = scene.stage.uuid();
    }
    verdict(&scene, &elsewhere).await.doing("of a volume on another store")?;
    scene.delete(&volume.into()).await
}

pub(in super::super) async fn vm_snapshot_takes_reverts_deletes(scene: Arc<Scene>) -> Checked {
    let (mut root, root_bytes) = scene.filled_volume().await?;
    root.volume_type = VolumeType::Root;
    let (data, data_bytes) = scene.filled_volume().await?;
    let mut snapshot = snapshot_of(&scene, &[root.clone(), data.clone()]);
    let verdict = verdict(&scene, &snapshot).await?;
    ensure(verdict.priority != StrategyPriority::CantHandle, || {
        format!(
            "an instance snapshot of two volumes on the strategy's own store: expected it to \
             handle it, got {} because {}",
            verdict.priority, verdict.reason
        )
    })?;
    scene.track_vm_snapshot(&snapshot);
    let strategy = strategy(&scene)?;
    for time in ["taking it", "taking it again"] {
        let call = scene.stage.call();
        let running = strategy.take_vm_snapshot(&call, snapshot.clone());
        let taken = ask(&scene, time, &call, running).await?;
        take_over(&mut snapshot, taken)?;
    }
    let volumes = [overwrite(&scene, &root).await?, overwrite(&scene, &data).await?];
    for time in ["reverting it", "reverting it again"] {
        let call = scene.stage.call();
        let running = strategy.revert_vm_snapshot(&call, snapshot.clone());
        ask(&scene, time, &call, running).await?;
        for (volume, pattern) in volumes.iter().zip([&root_bytes, &data_bytes]) {
            expect(&scene, volume, pattern).await.doing(format_args!("after {time}"))?;
        }
    }
    for time in ["deleting it", "deleting it again"] {
        let call = scene.stage.call();
        let running = strategy.delete_vm_snapshot(&call, snapshot.clone());
        ask(&scene, time, &call, running).await?;
    }
    let when = "after the instance snapshot was deleted";
    for one in snapshot.volumes {
        scene.expect_absent(&one.snapshot.into(), when).await?;
    }
    for (volume, pattern) in volumes.iter().zip([&root_bytes, &data_bytes]) {
        expect(&scene, volume, pattern).await.doing(when)?;
    }
    for volume in volumes {
        scene.delete(&volume.into()).await?;
    }
    Ok(())
}

/// Takes over what the strategy answered, as the host does.
fn take_over(snapshot: &mut VmSnapshot, taken: VmSnapshotResult) -> Checked {
    snapshot.details = taken.details;
    // None where paths follow from ids.
    if taken.paths.is_empty() {
        return Ok(());
    }
    equal("the number of paths, one a volume", snapshot.volumes.len(), taken.paths.len())?;
    for (volume, path) in snapshot.volumes.iter_mut().zip(taken.paths) {
        volume.snapshot.path = path;
    }
    Ok(())
}

async fn expect(scene: &Scene, volume: &VolumeInfo, pattern: &Pattern) -> Checked {
    let object = DataObject::from(volume.clone());
    scene.expect_present(&object).await?;
    if scene.moves_bytes() {
        scene.expect_bytes(&object, pattern).await?;
    }
    Ok(())
}
