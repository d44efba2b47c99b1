//! Instance snapshots of the in-memory provider: all volumes of an instance at one moment.

use super::driver::locate;
use super::objects::{InMemory, Object};
use std::collections::BTreeMap;
use storage_plugin_api::prelude::*;

/// Each volume, and the snapshot of it.
fn points(vm_snapshot: &VmSnapshot) -> PluginResult<Vec<(String, String)>> {
    let volumes = vm_snapshot.volumes.iter();
    volumes
        .map(|VolumeSnapshot { store, snapshot, .. }| {
            let volume = DataObject::Volume((*snapshot.volume).clone());
            let point = DataObject::Snapshot(snapshot.clone());
            Ok((locate(store, &volume)?, locate(store, &point)?))
        })
        .collect()
}

/// Copies objects onto others, all or none.
fn copy_all(
    all: &mut BTreeMap<String, Object>,
    pairs: Vec<(String, String)>,
    replace: bool,
) -> PluginResult<()> {
    let mut copies = Vec::new();
    for (from, to) in pairs {
        let missing = || PluginError::not_found(format!("there is no object {from:?}"));
        copies.push((to, all.get(&from).cloned().ok_or_else(missing)?));
    }
    for (to, copy) in copies {
        if replace || !all.contains_key(&to) {
            all.insert(to, copy);
        }
    }
    Ok(())
}

#[async_trait]
impl VmSnapshotStrategy for InMemory {
    async fn can_handle(
        &self,
        _: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<StrategyVerdict> {
        let points = points(&vm_snapshot);
        let ours = points.is_ok_and(|points| {
            self.with(|all| points.iter().all(|(path, _)| all.contains_key(path)))
        });
        let with_memory = vm_snapshot.snapshot_type == Some(VmSnapshotType::DiskAndMemory);
        Ok(if with_memory || vm_snapshot.quiesce_vm {
            let reason = "the memory of an instance, and what its guest does, are the hypervisor's";
            StrategyVerdict::new(StrategyPriority::CantHandle, reason)
        } else if ours {
            let reason = "every volume is in memory here, and one lock holds them all";
            StrategyVerdict::new(StrategyPriority::Highest, reason)
        } else {
            let reason = "a volume of the instance is not in memory here";
            StrategyVerdict::new(StrategyPriority::CantHandle, reason)
        })
    }

    async fn take_vm_snapshot(
        &self,
        _: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<VmSnapshotResult> {
        let pairs = points(&vm_snapshot)?;
        // What was taken already stays: the host may ask again after a crash.
        self.with(|all| copy_all(all, pairs, false))?;
        Ok(VmSnapshotResult::default())
    }

    async fn delete_vm_snapshot(
        &self,
        _: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        let pairs = points(&vm_snapshot)?;
        self.with(|all| all.retain(|path, _| !pairs.iter().any(|(_, point)| point == path)));
        Ok(())
    }

    async fn revert_vm_snapshot(
        &self,
        _: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        let pairs = points(&vm_snapshot)?;
        let back = pairs.into_iter().map(|(path, point)| (point, path)).collect();
        self.with(|all| copy_all(all, back, true))
    }
}
