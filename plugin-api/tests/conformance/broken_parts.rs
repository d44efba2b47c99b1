//! What a broken provider is besides its base driver: pool driver, life cycle, listener, strategy,
//! and the provider itself.

use super::broken::{Broken, Flaw};
use storage_plugin_api::prelude::*;

#[async_trait]
impl PrimaryDataStoreDriver for Broken {
    async fn grant_access(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AccessRequest,
    ) -> PluginResult<ConnectionInfo> {
        let host = request.host.name.clone();
        let granted = self.memory().grant_access(call, store, request).await;
        if self.has(Flaw::SaysInternalForMissing) {
            return granted.map_err(|error| PluginError::internal(error.message()));
        }
        let mut connection = granted?;
        if self.has(Flaw::GrantsDifferently) && self.first(host) {
            connection.path.push_str("-once");
        }
        Ok(connection)
    }
    async fn revoke_access(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: RevokeRequest,
    ) -> PluginResult<()> {
        self.memory().revoke_access(call, store, request).await
    }
    async fn take_snapshot(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: TakeSnapshotRequest,
    ) -> PluginResult<CreateResult> {
        self.memory().take_snapshot(call, store, request).await
    }
    async fn revert_snapshot(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: RevertSnapshotRequest,
    ) -> PluginResult<()> {
        if self.has(Flaw::ForgetsToRevert) {
            return Ok(());
        }
        self.memory().revert_snapshot(call, store, request).await
    }
    async fn get_storage_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        if self.has(Flaw::Hangs) {
            std::future::pending::<()>().await;
        }
        if self.has(Flaw::Blocks) {
            drop(self.0.gate.lock());
        }
        self.memory().get_storage_stats(call, store).await
    }
    async fn get_volume_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
        volume: VolumeInfo,
    ) -> PluginResult<VolumeStats> {
        if self.has(Flaw::Panics) {
            panic!("a broken provider panics, as it should");
        }
        let mut stats = self.memory().get_volume_stats(call, store, volume).await?;
        if self.has(Flaw::TellsWrongVirtualSize) {
            stats.virtual_size_bytes += 1;
        }
        Ok(stats)
    }
    async fn replicate(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: ReplicationRequest,
    ) -> PluginResult<ReplicationStatus> {
        if self.has(Flaw::ReplicatesUndeclared) {
            return Ok(ReplicationStatus::new(ReplicationState::Off));
        }
        Err(PluginError::unsupported("there is no replication"))
    }
}

#[async_trait]
impl ImageStoreDriver for Broken {
    async fn get_image_store_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        let mut stats = self.memory().get_image_store_stats(call, store).await?;
        if self.has(Flaw::UsesMoreThanThereIs) {
            stats.used_bytes = stats.capacity_bytes + 1;
        }
        Ok(stats)
    }
}

#[async_trait]
impl DataStoreLifeCycle for Broken {
    async fn initialize(
        &self,
        call: &CallContext,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore> {
        if self.has(Flaw::AcceptsAnyDetails) {
            return Ok(InitializedStore::default());
        }
        self.shut_out(&request.installation_id)?;
        self.memory().initialize(call, request).await
    }
    async fn attach_zone(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: AttachZoneRequest,
    ) -> PluginResult<bool> {
        if self.has(Flaw::AttachesOnlyOnce) && !self.first("attached") {
            return Err(PluginError::conflict("it is attached already"));
        }
        Ok(true)
    }
    async fn delete_data_store(&self, _: &CallContext, store: &StoreContext) -> PluginResult<bool> {
        if self.has(Flaw::WipesTheStore) {
            let area = format!("{}/", store.details.get("area").unwrap_or_default());
            self.memory().with(|all| all.retain(|path, _| !path.starts_with(&area)));
        }
        Ok(true)
    }
    async fn cancel_maintain(&self, _: &CallContext, _: &StoreContext) -> PluginResult<bool> {
        if self.has(Flaw::StaysInMaintenance) {
            return Err(PluginError::conflict("maintenance goes on"));
        }
        Ok(true)
    }
}
impl PrimaryDataStoreLifeCycle for Broken {}

#[async_trait]
impl HypervisorHostListener for Broken {
    async fn host_connect(
        &self,
        _: &CallContext,
        request: HostPoolRequest,
    ) -> PluginResult<HostPoolAnswer> {
        if self.has(Flaw::TripsOverSecondConnect) && !self.first(request.host.name) {
            return Err(PluginError::already_exists("the host is connected already"));
        }
        Ok(HostPoolAnswer::default())
    }
}

#[async_trait]
impl VmSnapshotStrategy for Broken {
    async fn can_handle(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<StrategyVerdict> {
        let mut verdict = self.memory().can_handle(call, vm_snapshot).await?;
        if self.has(Flaw::TellsNoReasons) {
            verdict.reason.clear();
        }
        Ok(verdict)
    }
    async fn take_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<VmSnapshotResult> {
        self.memory().take_vm_snapshot(call, vm_snapshot).await
    }
    async fn delete_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        self.memory().delete_vm_snapshot(call, vm_snapshot).await
    }
    async fn revert_vm_snapshot(
        &self,
        call: &CallContext,
        mut vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        if self.has(Flaw::RevertsOneVolumeOnly) {
            vm_snapshot.volumes.truncate(1);
        }
        self.memory().revert_vm_snapshot(call, vm_snapshot).await
    }
}

#[async_trait]
impl DataStoreProvider for Broken {
    fn get_name(&self) -> String {
        if self.has(Flaw::ChangesItsName) && !self.first("the name") {
            return "Another".to_owned();
        }
        "Broken".to_owned()
    }
    fn get_types(&self) -> Vec<DataStoreProviderType> {
        let times = if self.has(Flaw::HasATypeTwice) { 2 } else { 1 };
        vec![self.provider_type(); times]
    }
    fn get_input_schema(&self, provider_type: DataStoreProviderType) -> InputSchema {
        let schema = self.memory().get_input_schema(provider_type);
        let mut value = schema.as_value().clone();
        let fields = &mut value["properties"];
        if self.has(Flaw::HidesNoSecret) {
            fields["password"] = serde_json::json!({
                "type": "string", "title": "Password", "description": "Of the administrator.",
            });
        }
        if self.has(Flaw::DescribesNoField) {
            fields["mode"] = serde_json::json!({"type": "string", "title": "Mode"});
        }
        if self.has(Flaw::ContradictsItself) {
            fields["mode"] = serde_json::json!({
                "title": "Mode", "description": "How.", "enum": ["fast", "safe"], "default": "quick",
            });
        }
        InputSchema::from_value(value)
    }
    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        scope == ScopeType::Zone && !self.has(Flaw::HasNoScope)
    }
    async fn configure(
        &self,
        _: &CallContext,
        _: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()> {
        if self.has(Flaw::CannotConfigure) {
            return Err(PluginError::invalid_config("no setting suits"));
        }
        if self.has(Flaw::ForgetsToRegister) {
            return Ok(());
        }
        host.register_driver(self.provider_type()).await
    }
    fn get_data_store_driver(&self, provider_type: DataStoreProviderType) -> Option<Driver> {
        let (is_ours, this) = (provider_type == self.provider_type(), Arc::new(self.clone()));
        is_ours.then(|| match provider_type {
            DataStoreProviderType::Primary => Driver::Primary(this),
            _ => Driver::Image(this),
        })
    }
    fn get_data_store_life_cycle(&self, provider_type: DataStoreProviderType) -> Option<LifeCycle> {
        let (is_ours, this) = (provider_type == self.provider_type(), Arc::new(self.clone()));
        is_ours.then(|| match provider_type {
            DataStoreProviderType::Primary => LifeCycle::Primary(this),
            _ => LifeCycle::Image(this),
        })
    }
    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        Some(Arc::new(self.clone()))
    }
    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        Some(Arc::new(self.clone()))
    }
}
