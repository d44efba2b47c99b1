//! The life of a store: added, attached, in maintenance, removed.

use crate::context::{CallContext, StoreContext};
use crate::error::PluginResult;
use crate::types::{
    DataStoreRole, Details, HypervisorHost, HypervisorType, PrimaryDataStoreTo, Scope, record,
};
use async_trait::async_trait;
use uuid::Uuid;

record! {
    /// What the operator entered (CloudStack's `dsInfos` map, typed).
    pub struct InitializeRequest {
        /// The id the store will have.
        uuid: Uuid,
        /// What it will be used for.
        role: DataStoreRole,
        /// Its name.
        name: String,
        /// Its scope.
        scope: Scope,
        ;
        /// Where the back end is; empty where details say it all.
        url: String,
        /// The provider's details, checked against its schema; secrets in clear.
        details: Details,
        /// The hypervisor of a zone-wide pool.
        hypervisor_type: Option<HypervisorType>,
        /// Storage tags.
        tags: Vec<String>,
        /// One back-end volume per volume.
        managed: bool,
        /// Space to use, in bytes, where the operator limits it.
        capacity_bytes: Option<u64>,
        /// Operations per second to use.
        capacity_iops: Option<u64>,
        /// The id of the installation, for back-end names.
        installation_id: String,
    }
}

record! {
    /// What a validated store is (CloudStack's `PrimaryDataStoreParameters`): the host writes the
    /// row from it.
    #[derive(Default)]
    pub struct InitializedStore {
        ;
        /// The URL as it should be stored, where it was completed or normalised.
        url: Option<String>,
        /// Details as they should be stored, where some were completed.
        details: Option<Details>,
        /// How hosts reach a pool.
        pool: Option<PrimaryDataStoreTo>,
        /// All the space there is, in bytes.
        capacity_bytes: Option<u64>,
        /// What is used of it.
        used_bytes: Option<u64>,
        /// Operations per second that can be promised.
        capacity_iops: Option<u64>,
        /// The identity of the back end itself (serial number and pool, bucket and endpoint):
        /// the same place cannot be added twice.
        back_end_identity: Option<String>,
    }
}

record! {
    /// A host whose local storage is attached (CloudStack's `HostScope` and `StoragePoolInfo`).
    pub struct AttachHostRequest {
        /// The host.
        host: HypervisorHost,
        ;
        /// Where the host sees the storage.
        local_path: Option<String>,
        /// All its space in bytes.
        capacity_bytes: Option<u64>,
        /// What is left of it.
        available_bytes: Option<u64>,
    }
}

record! {
    /// A cluster that a pool is attached to.
    pub struct AttachClusterRequest {
        /// The cluster.
        scope: Scope,
        ;
        /// The hosts that are up in it.
        hosts: Vec<HypervisorHost>,
    }
}

record! {
    /// A zone that a pool is attached to.
    pub struct AttachZoneRequest {
        /// The zone.
        scope: Scope,
        ;
        /// The hypervisor whose hosts use it.
        hypervisor_type: Option<HypervisorType>,
        /// The hosts of that hypervisor that are up in it.
        hosts: Vec<HypervisorHost>,
    }
}

record! {
    /// New limits of a pool.
    #[derive(Default)]
    pub struct UpdatePoolRequest {
        ;
        /// Space to use, in bytes.
        capacity_bytes: Option<u64>,
        /// Operations per second to use.
        capacity_iops: Option<u64>,
    }
}

record! {
    /// A pool that widens or narrows its scope.
    pub struct ChangeScopeRequest {
        /// The scope it is to have.
        scope: Scope,
        ;
        /// The hypervisor whose hosts use it.
        hypervisor_type: Option<HypervisorType>,
    }
}

/// The life of a store (CloudStack's `DataStoreLifeCycle`).
///
/// **Who.** A vendor implements it, the host's orchestration calls it, one call at a time for a
/// store.
///
/// **Order.**
/// ```text
/// initialize → attach_zone | attach_cluster | attach_host → in use
///              ↕ maintain / cancel_maintain
///            → delete_data_store
/// ```
/// Where attaching fails, [`delete_data_store`](Self::delete_data_store) is called to undo
/// [`initialize`](Self::initialize).
///
/// **Answers.** A method that answers `false` does not apply to this provider: the host changes
/// its own row and goes on. Only an error is a failure. So an image store's life cycle needs
/// nothing but `initialize`.
///
/// Threads, panics, cancellation and idempotence are as in
/// [`DataStoreDriver`](crate::DataStoreDriver).
#[async_trait]
pub trait DataStoreLifeCycle: Send + Sync + 'static {
    /// Validates what the operator entered, against the real back end (`initialize`).
    ///
    /// The host writes the row from what it returns; a failure leaves nothing.
    ///
    /// # Behavior
    /// - Makes nothing on the back end that [`delete_data_store`](Self::delete_data_store) would
    ///   not remove (case `happy::store_can_be_added_and_removed`).
    /// - Details without a required field are refused (case `errors::bad_details_are_refused`).
    ///
    /// # Errors
    /// `InvalidConfig` naming the field, `Unauthenticated`, `PermissionDenied`, `NotFound` (the
    /// bucket, the export), `AlreadyExists`, `Unavailable`.
    async fn initialize(
        &self,
        call: &CallContext,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore>;

    /// Attaches local storage of a host (`attachHost`).
    ///
    /// # Errors
    /// `Unavailable`, `Conflict`: the store is undone.
    #[doc(alias = "attachHost")]
    async fn attach_host(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AttachHostRequest,
    ) -> PluginResult<bool> {
        let _ = (call, store, request);
        Ok(false)
    }

    /// Attaches a pool to a cluster (`attachCluster`).
    ///
    /// # Errors
    /// `Unavailable`, `Conflict`: the store is undone.
    #[doc(alias = "attachCluster")]
    async fn attach_cluster(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AttachClusterRequest,
    ) -> PluginResult<bool> {
        let _ = (call, store, request);
        Ok(false)
    }

    /// Attaches a pool to a zone (`attachZone`).
    ///
    /// # Behavior
    /// - May come twice (case `happy::store_can_be_added_and_removed`).
    ///
    /// # Errors
    /// `Unavailable`, `Conflict`: the store is undone.
    #[doc(alias = "attachZone")]
    async fn attach_zone(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AttachZoneRequest,
    ) -> PluginResult<bool> {
        let _ = (call, store, request);
        Ok(false)
    }

    /// Enters maintenance (`maintain`): no new work comes, running work has ended.
    ///
    /// # Behavior
    /// - Undone by [`cancel_maintain`](Self::cancel_maintain)
    ///   (case `happy::maintenance_can_be_cancelled`).
    ///
    /// # Errors
    /// Any: the store is in `ErrorInMaintenance`, retry and cancel are open.
    async fn maintain(&self, call: &CallContext, store: &StoreContext) -> PluginResult<bool> {
        let _ = (call, store);
        Ok(false)
    }

    /// Leaves maintenance (`cancelMaintain`), also a half-entered one.
    ///
    /// # Errors
    /// Any: the store stays where it was.
    #[doc(alias = "cancelMaintain")]
    async fn cancel_maintain(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<bool> {
        let _ = (call, store);
        Ok(false)
    }

    /// Removes what attaching left on the back end (`deleteDataStore`). Objects are gone by then.
    ///
    /// # Behavior
    /// - Never removes what this store did not make (case `happy::store_can_be_added_and_removed`).
    /// - May come twice, and after a failed `initialize`
    ///   (case `happy::store_can_be_added_and_removed`).
    ///
    /// # Errors
    /// `InUse`, `Unavailable`: the row stays.
    #[doc(alias = "deleteDataStore")]
    async fn delete_data_store(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<bool> {
        let _ = (call, store);
        Ok(false)
    }

    /// Turns an image store into the staging store of an object store (`migrateToObjectStore`).
    ///
    /// # Errors
    /// `Unsupported`, `Conflict`.
    #[doc(alias = "migrateToObjectStore")]
    async fn migrate_to_object_store(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<bool> {
        let _ = (call, store);
        Ok(false)
    }
}

/// The life of a storage pool (CloudStack's `PrimaryDataStoreLifeCycle`).
///
/// As [`DataStoreLifeCycle`]; every method here has a default that agrees.
#[async_trait]
pub trait PrimaryDataStoreLifeCycle: DataStoreLifeCycle {
    /// New limits, before the row is changed (`updateStoragePool`); an error is a veto.
    ///
    /// # Errors
    /// `InvalidArgument` for less than is used.
    #[doc(alias = "updateStoragePool")]
    async fn update_storage_pool(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: UpdatePoolRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        Ok(())
    }

    /// The pool may be used again (`enableStoragePool`).
    ///
    /// # Errors
    /// Any: it stays disabled.
    #[doc(alias = "enableStoragePool")]
    async fn enable_storage_pool(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<()> {
        let _ = (call, store);
        Ok(())
    }

    /// No new volumes come to the pool (`disableStoragePool`).
    ///
    /// # Errors
    /// Any: it stays enabled.
    #[doc(alias = "disableStoragePool")]
    async fn disable_storage_pool(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<()> {
        let _ = (call, store);
        Ok(())
    }

    /// The pool is to serve its whole zone (`changeStoragePoolScopeToZone`).
    ///
    /// # Errors
    /// `Unsupported` unless implemented.
    #[doc(alias = "changeStoragePoolScopeToZone")]
    async fn change_storage_pool_scope_to_zone(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ChangeScopeRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        crate::driver::unsupported("change_storage_pool_scope_to_zone")
    }

    /// The pool is to serve one cluster (`changeStoragePoolScopeToCluster`).
    ///
    /// # Errors
    /// `Unsupported` unless implemented.
    #[doc(alias = "changeStoragePoolScopeToCluster")]
    async fn change_storage_pool_scope_to_cluster(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ChangeScopeRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        crate::driver::unsupported("change_storage_pool_scope_to_cluster")
    }
}
