//! Instance snapshots: every volume of an instance at one point in time. Optional.
//!
//! Without a strategy of the vendor's the host takes the volumes' snapshots one by one. This is for
//! storage that can do better: all of them in one call.

use crate::driver::SampleDriver;
use crate::life_cycle::SCHEME;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};

/// The strategy.
pub(crate) struct SampleVmSnapshots(pub(crate) SampleDriver);

#[async_trait]
impl VmSnapshotStrategy for SampleVmSnapshots {
    // Asked about every instance of every provider, so it answers from memory, and says why.
    async fn can_handle(&self, _: &Call, of: VmSnapshot) -> Result<StrategyVerdict> {
        let no = |reason| Ok(StrategyVerdict::new(StrategyPriority::CantHandle, reason));
        if !of.volumes.iter().all(|volume| volume.store.url.starts_with(SCHEME)) {
            return no("a volume is not on a store of this provider");
        }
        if of.snapshot_type == Some(VmSnapshotType::DiskAndMemory) || of.quiesce_vm {
            return no("memory, and a guest that quiesces, are the hypervisor's");
        }
        // We copy one volume after the other: one point in time only while nobody writes.
        if of.vm.running {
            return no("the instance runs, and this storage cannot stop the time");
        }
        let reason = "every volume is on a store of this provider";
        Ok(StrategyVerdict::new(StrategyPriority::Highest, reason))
    }

    // All or nothing: where one volume fails, the others' snapshots go as well.
    async fn take_vm_snapshot(&self, call: &Call, of: VmSnapshot) -> Result<VmSnapshotResult> {
        for VolumeSnapshot { store, snapshot, .. } in of.volumes.clone() {
            let request = TakeSnapshotRequest::new(snapshot);
            if let Err(error) = self.0.take_snapshot(call, &Pool::new(store), request).await {
                self.delete_vm_snapshot(call, of).await.ok();
                return Err(error);
            }
        }
        Ok(VmSnapshotResult::new())
    }

    async fn delete_vm_snapshot(&self, call: &Call, of: VmSnapshot) -> Result<()> {
        for VolumeSnapshot { store, snapshot, .. } in of.volumes {
            self.0.delete_async(call, &Pool::new(store), snapshot.into()).await?;
        }
        Ok(())
    }

    async fn revert_vm_snapshot(&self, call: &Call, of: VmSnapshot) -> Result<()> {
        for VolumeSnapshot { store, snapshot, .. } in of.volumes {
            let request = RevertSnapshotRequest::new(snapshot);
            self.0.revert_snapshot(call, &Pool::new(store), request).await?;
        }
        Ok(())
    }
}
