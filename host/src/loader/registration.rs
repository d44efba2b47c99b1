//! What a provider registers in `configure`: its drivers, by type.

use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CapacityReport, DataStore, DataStoreProviderType, DetailKey, Details, HostServices,
    HypervisorHost, ListDetailsRequest, ListHostsRequest, PluginError, PluginResult, Secret,
    SetDetailRequest,
};

/// The host's services for one provider, with its registrations kept.
pub(crate) struct Registration {
    types: Vec<DataStoreProviderType>,
    registered: Mutex<Vec<DataStoreProviderType>>,
    services: Arc<dyn HostServices>,
}

impl Registration {
    /// Services for a provider that declared these types.
    pub(crate) fn new(types: Vec<DataStoreProviderType>, services: Arc<dyn HostServices>) -> Self {
        Self { types, registered: Mutex::new(Vec::new()), services }
    }

    /// The declared types that were not registered.
    pub(crate) fn missing(&self) -> Vec<DataStoreProviderType> {
        let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        self.types.iter().copied().filter(|one| !registered.contains(one)).collect()
    }
}

#[async_trait]
impl HostServices for Registration {
    async fn register_driver(&self, provider_type: DataStoreProviderType) -> PluginResult<()> {
        if !self.types.contains(&provider_type) {
            return Err(PluginError::invalid_argument(format!(
                "register_driver({provider_type}): get_types does not name this type"
            )));
        }
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if registered.contains(&provider_type) {
            return Err(PluginError::conflict(format!(
                "register_driver({provider_type}): the driver of this type is registered already"
            )));
        }
        registered.push(provider_type);
        Ok(())
    }

    async fn get_detail(&self, at: DetailKey) -> PluginResult<Option<Secret>> {
        self.services.get_detail(at).await
    }

    async fn set_detail(&self, request: SetDetailRequest) -> PluginResult<()> {
        self.services.set_detail(request).await
    }

    async fn remove_detail(&self, at: DetailKey) -> PluginResult<()> {
        self.services.remove_detail(at).await
    }

    async fn list_details(&self, request: ListDetailsRequest) -> PluginResult<Details> {
        self.services.list_details(request).await
    }

    async fn find_host(&self, uuid: Uuid) -> PluginResult<Option<HypervisorHost>> {
        self.services.find_host(uuid).await
    }

    async fn list_hosts(&self, request: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        self.services.list_hosts(request).await
    }

    async fn find_store(&self, uuid: Uuid) -> PluginResult<Option<DataStore>> {
        self.services.find_store(uuid).await
    }

    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()> {
        self.services.report_capacity(report).await
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        self.services.temporary_directory().await
    }
}
