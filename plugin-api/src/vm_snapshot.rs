//! Instance snapshots: all disks of an instance at one point in time.

use crate::context::CallContext;
use crate::error::PluginResult;
use crate::types::{DataStore, Details, SnapshotInfo, VmInstance, VmSnapshotType, record, words};
use async_trait::async_trait;
use uuid::Uuid;

words! {
    /// How much a strategy wants a job (CloudStack's `StrategyPriority`), least first.
    ///
    /// The host asks every strategy in the order of registration and takes the first with the
    /// highest priority.
    pub enum StrategyPriority {
        /// Not at all.
        CantHandle = "CANT_HANDLE",
        /// If nobody else does.
        Default = "DEFAULT",
        /// As the hypervisor's own way.
        Hypervisor = "HYPERVISOR",
        /// Before all others: the vendor's own storage.
        Highest = "HIGHEST",
    }
}

record! {
    /// How much a strategy wants a job, and why: `storage-host explain` shows it.
    pub struct StrategyVerdict {
        /// How much.
        priority: StrategyPriority,
        /// Why, in a sentence.
        reason: String,
        ;
    }
}

record! {
    /// One volume of an instance snapshot.
    pub struct VolumeSnapshot {
        /// The store that the volume is on.
        store: DataStore,
        /// The snapshot of it, and the volume in it. The host has given the snapshot its ids before
        /// it asks for it, so that it finds it again whatever happens; `path` is empty until taken.
        snapshot: SnapshotInfo,
        ;
    }
}

record! {
    /// An instance snapshot (CloudStack's `VMSnapshot`).
    pub struct VmSnapshot {
        /// The public id.
        uuid: Uuid,
        /// The instance.
        vm: VmInstance,
        /// Every volume of the instance, root first, with the snapshot to be taken of it.
        volumes: Vec<VolumeSnapshot>,
        ;
        /// The internal id.
        id: u64,
        /// The name users see.
        name: String,
        /// Disks only, or memory as well.
        snapshot_type: Option<VmSnapshotType>,
        /// The guest is to quiesce: a strategy that cannot make it answers `CANT_HANDLE`.
        quiesce_vm: bool,
        /// The snapshot the instance was on before.
        parent: Option<Uuid>,
        /// What the strategy answered when it took it.
        details: Details,
    }
}

record! {
    /// What was taken.
    #[derive(Default)]
    pub struct VmSnapshotResult {
        ;
        /// Details to keep with the instance snapshot and to give back in each call.
        details: Details,
        /// Where the snapshot of each volume lies, in the order of the volumes; empty where paths
        /// follow from ids.
        paths: Vec<String>,
        /// Space used, in bytes.
        physical_size_bytes: Option<u64>,
    }
}

/// Takes, deletes and reverts instance snapshots (CloudStack's `VMSnapshotStrategy`).
///
/// **Who.** A vendor whose storage can snapshot several volumes at once implements it. The host
/// has a strategy of its own that takes every volume's snapshot through its driver.
///
/// **All or nothing.** A call that fails leaves no snapshot of any volume behind.
///
/// Threads, panics, cancellation and idempotence are as in
/// [`DataStoreDriver`](crate::DataStoreDriver).
#[async_trait]
pub trait VmSnapshotStrategy: Send + Sync + 'static {
    /// Whether this implementation can handle an instance snapshot (`canHandle`). The host asks it
    /// where every volume is on a store of this provider, and only there.
    ///
    /// # Behavior
    /// - Answers from memory, with a reason
    ///   (case `happy::vm_snapshot_strategy_gives_reasons`).
    ///
    /// # Errors
    /// Count as `CANT_HANDLE`.
    #[doc(alias = "canHandle")]
    async fn can_handle(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<StrategyVerdict>;

    /// Takes it (`takeVMSnapshot`).
    ///
    /// # Behavior
    /// - All volumes at one point in time
    ///   (case `happy::vm_snapshot_takes_reverts_deletes`).
    ///
    /// # Errors
    /// `CapacityExceeded`, `NotFound`, `Unavailable`: nothing remains.
    #[doc(alias = "takeVMSnapshot")]
    async fn take_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<VmSnapshotResult>;

    /// Deletes it (`deleteVMSnapshot`).
    ///
    /// # Behavior
    /// - Deleting what is gone succeeds
    ///   (case `happy::vm_snapshot_takes_reverts_deletes`).
    ///
    /// # Errors
    /// `InUse`, `Unavailable`.
    #[doc(alias = "deleteVMSnapshot")]
    async fn delete_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()>;

    /// Puts every volume back (`revertVMSnapshot`).
    ///
    /// # Behavior
    /// - Every volume has the bytes it had
    ///   (case `happy::vm_snapshot_takes_reverts_deletes`).
    ///
    /// # Errors
    /// `NotFound`, `InUse`, `Unavailable`.
    #[doc(alias = "revertVMSnapshot")]
    async fn revert_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()>;
}
