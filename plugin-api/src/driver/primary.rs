//! What drivers of storage pools do besides.

use super::calls::{CreateResult, ObjectDescription};
use super::primary_calls::{
    AccessRequest, ImportRequest, QosMigrationRequest, QosRequest, ReplicationRequest,
    ReplicationStatus, RevertSnapshotRequest, RevokeRequest, SizeOnPoolRequest, StorageStats,
    TakeSnapshotRequest, VmInfoRequest, VmTagsRequest, VolumeStats,
};
use super::{DataStoreDriver, unsupported};
use crate::context::{CallContext, StoreContext};
use crate::error::PluginResult;
use crate::types::{
    ChapInfo, ConnectionInfo, DataObject, Details, HypervisorHost, TemplateInfo, VolumeInfo,
};
use async_trait::async_trait;

/// A driver of storage pools (CloudStack's `PrimaryDataStoreDriver`).
///
/// State, order, threads, panics and cancellation are as in [`DataStoreDriver`]. Two methods have
/// no default: a pool that hosts cannot reach is of no use.
#[async_trait]
pub trait PrimaryDataStoreDriver: DataStoreDriver {
    /// Lets a hypervisor host use an object and says how it reaches it (`grantAccess`).
    ///
    /// Called before an instance starts, a volume attaches, copies or moves to that host.
    ///
    /// # Behavior
    /// - The answer holds all a host needs: protocol, portals, target, LUN, CHAP
    ///   (case `happy::access_is_granted_and_revoked`).
    /// - A second call for the same host returns the same answer
    ///   (case `happy::access_is_granted_and_revoked`).
    ///
    /// # Errors
    /// `NotFound` (case `errors::missing_object_is_not_found`), `Conflict` when another host has
    /// it alone, `CapacityExceeded` when no more hosts fit, `Unavailable`, `Timeout`.
    #[doc(alias = "grantAccess")]
    async fn grant_access(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AccessRequest,
    ) -> PluginResult<ConnectionInfo>;

    /// Takes the access of a host away, or of every host (`revokeAccess`).
    ///
    /// # Behavior
    /// - Access that was never granted, and an object that is gone, are a success
    ///   (case `happy::access_is_granted_and_revoked`).
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`.
    #[doc(alias = "revokeAccess")]
    async fn revoke_access(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: RevokeRequest,
    ) -> PluginResult<()>;

    /// The CHAP names and secrets of an object, where it has some (`getChapInfo`).
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    #[doc(alias = "getChapInfo")]
    async fn get_chap_info(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<Option<ChapInfo>> {
        let _ = (call, store, object);
        Ok(None)
    }

    /// Takes a snapshot on the storage (`takeSnapshot`; capability `storage_system_snapshot`).
    ///
    /// # Behavior
    /// - Later writes to the volume do not change it
    ///   (case `happy::snapshot_keeps_the_bytes`).
    /// - A second call for the same snapshot returns the same path and keeps its bytes
    ///   (case `happy::snapshot_twice_is_once`).
    ///
    /// # Errors
    /// `Unsupported` without the capability (case `errors::undeclared_ability_is_refused`),
    /// `NotFound` when the volume is gone, `CapacityExceeded`.
    #[doc(alias = "takeSnapshot")]
    async fn take_snapshot(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: TakeSnapshotRequest,
    ) -> PluginResult<CreateResult> {
        let _ = (call, store, request);
        unsupported("take_snapshot")
    }

    /// Puts a volume back to a snapshot, in place (`revertSnapshot`; capability
    /// `can_revert_volume_to_snapshot`).
    ///
    /// # Behavior
    /// - The volume has the snapshot's bytes and size, the snapshot stays
    ///   (case `happy::revert_brings_the_bytes_back`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `InUse`.
    #[doc(alias = "revertSnapshot")]
    async fn revert_snapshot(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: RevertSnapshotRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        unsupported("revert_snapshot")
    }

    /// Raises limits for a move, or restores them (`handleQualityOfServiceForVolumeMigration`).
    ///
    /// # Errors
    /// `Unavailable`; the move goes on without.
    #[doc(alias = "handleQualityOfServiceForVolumeMigration")]
    async fn handle_quality_of_service_for_volume_migration(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: QosMigrationRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        Ok(())
    }

    /// Sets the limits of a volume (`updateStorageWithTheNewDiskOffering`; capability
    /// `quality_of_service`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `CapacityExceeded` when the minimum
    /// cannot be promised.
    #[doc(alias = "updateStorageWithTheNewDiskOffering")]
    async fn update_quality_of_service(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: QosRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        unsupported("update_quality_of_service")
    }

    /// Space of the pool (`getStorageStats`; capability `storage_stats`).
    ///
    /// # Behavior
    /// - Used is not above capacity (case `happy::stats_are_sensible`).
    ///
    /// # Units
    /// Bytes; operations per second.
    ///
    /// # Errors
    /// `Unsupported` without the capability, `Unavailable`.
    #[doc(alias = "getStorageStats")]
    #[doc(alias = "getUsedBytes")]
    #[doc(alias = "getUsedIops")]
    async fn get_storage_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        let _ = (call, store);
        unsupported("get_storage_stats")
    }

    /// Figures of the vendor's own for the list API (`getCustomStorageStats`; capability
    /// `custom_storage_stats`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `Unavailable`.
    #[doc(alias = "getCustomStorageStats")]
    async fn get_custom_storage_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<Details> {
        let _ = (call, store);
        unsupported("get_custom_storage_stats")
    }

    /// Space of a volume (`getVolumeStats`; capability `volume_stats`).
    ///
    /// # Behavior
    /// - The virtual size is the volume's (case `happy::stats_are_sensible`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `Unavailable`.
    #[doc(alias = "getVolumeStats")]
    async fn get_volume_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
        volume: VolumeInfo,
    ) -> PluginResult<VolumeStats> {
        let _ = (call, store, volume);
        unsupported("get_volume_stats")
    }

    /// Whether a hypervisor host can reach this pool (`canHostAccessStoragePool`).
    ///
    /// # Errors
    /// `Unavailable`; counts as no.
    #[doc(alias = "canHostAccessStoragePool")]
    async fn can_host_access_storage_pool(
        &self,
        call: &CallContext,
        store: &StoreContext,
        host: HypervisorHost,
    ) -> PluginResult<bool> {
        let _ = (call, store, host);
        Ok(true)
    }

    /// What a volume takes from the pool with its hypervisor snapshot reserve
    /// (`getDataObjectSizeIncludingHypervisorSnapshotReserve`), in bytes.
    ///
    /// # Errors
    /// `InvalidArgument`.
    #[doc(alias = "getDataObjectSizeIncludingHypervisorSnapshotReserve")]
    async fn get_size_including_hypervisor_snapshot_reserve(
        &self,
        call: &CallContext,
        store: &StoreContext,
        volume: VolumeInfo,
    ) -> PluginResult<u64> {
        let _ = (call, store);
        Ok(volume.size_bytes)
    }

    /// What a template takes from the pool before the first volume is made of it
    /// (`getBytesRequiredForTemplate`), in bytes.
    ///
    /// # Errors
    /// `InvalidArgument`.
    #[doc(alias = "getBytesRequiredForTemplate")]
    async fn get_bytes_required_for_template(
        &self,
        call: &CallContext,
        store: &StoreContext,
        template: TemplateInfo,
    ) -> PluginResult<u64> {
        let _ = (call, store, template);
        Ok(0)
    }

    /// What a volume of a size takes from the pool (`getVolumeSizeRequiredOnPool`), in bytes.
    ///
    /// # Behavior
    /// - Never less than the size asked about (case `happy::stats_are_sensible`).
    ///
    /// # Errors
    /// `InvalidArgument`.
    #[doc(alias = "getVolumeSizeRequiredOnPool")]
    async fn get_volume_size_required_on_pool(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: SizeOnPoolRequest,
    ) -> PluginResult<u64> {
        let _ = (call, store);
        Ok(request.volume_size_bytes)
    }

    /// An instance attached, detached or moved (`provideVmInfo`; capability `vm_info_needed`).
    ///
    /// # Errors
    /// Logged; nothing waits for it.
    #[doc(alias = "provideVmInfo")]
    async fn provide_vm_info(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: VmInfoRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        Ok(())
    }

    /// A tag of an instance changed (`provideVmTags`; capability `vm_tags_needed`).
    ///
    /// # Errors
    /// Logged; nothing waits for it.
    #[doc(alias = "provideVmTags")]
    async fn provide_vm_tags(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: VmTagsRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        Ok(())
    }

    /// Takes a volume away from every node that still has it: its host is dead
    /// (`detachVolumeFromAllStorageNodes`).
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`.
    #[doc(alias = "detachVolumeFromAllStorageNodes")]
    async fn detach_volume_from_all_storage_nodes(
        &self,
        call: &CallContext,
        store: &StoreContext,
        volume: VolumeInfo,
    ) -> PluginResult<()> {
        self.revoke_access(call, store, RevokeRequest::new(volume)).await
    }

    /// Looks at a back-end volume before it is adopted (`validateVolumeForImport`; capability
    /// `import_volume`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `InUse` when something else owns it.
    #[doc(alias = "validateVolumeForImport")]
    async fn validate_volume_for_import(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ImportRequest,
    ) -> PluginResult<ObjectDescription> {
        let _ = (call, store, request);
        unsupported("validate_volume_for_import")
    }

    /// Begins, ends, fails over or tells of replication (capability `replication`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `Conflict`, `Unavailable`.
    async fn replicate(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ReplicationRequest,
    ) -> PluginResult<ReplicationStatus> {
        let _ = (call, store, request);
        unsupported("replicate")
    }
}
