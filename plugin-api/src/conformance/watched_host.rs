//! The host that the provider under test sees: the caller's, with the kit's own store and
//! hypervisor host known to it, and an eye on what the provider registers.

use crate::{
    CapacityReport, DataStore, DataStoreProviderType, DetailKey, Details, HostServices,
    HypervisorHost, ListDetailsRequest, ListHostsRequest, PluginResult, Secret, SetDetailRequest,
};
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

pub(super) struct WatchedHost {
    inner: Arc<dyn HostServices>,
    hypervisor_host: HypervisorHost,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    registered: Vec<DataStoreProviderType>,
    stores: Vec<DataStore>,
}

impl WatchedHost {
    pub(super) fn new(inner: Arc<dyn HostServices>, hypervisor_host: HypervisorHost) -> Self {
        Self { inner, hypervisor_host, seen: Mutex::default() }
    }

    /// The types that the provider registered.
    pub(super) fn registered(&self) -> Vec<DataStoreProviderType> {
        self.lock().registered.clone()
    }

    /// Makes a store known, or its newest state.
    pub(super) fn put_store(&self, store: DataStore) {
        let mut seen = self.lock();
        seen.stores.retain(|one| one.uuid != store.uuid);
        seen.stores.push(store);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_store(&self, uuid: Uuid) -> Option<DataStore> {
        let seen = self.lock();
        seen.stores.iter().find(|one| one.uuid == uuid).cloned()
    }
}

#[async_trait]
impl HostServices for WatchedHost {
    async fn register_driver(&self, provider_type: DataStoreProviderType) -> PluginResult<()> {
        self.inner.register_driver(provider_type).await?;
        self.lock().registered.push(provider_type);
        Ok(())
    }

    async fn get_detail(&self, at: DetailKey) -> PluginResult<Option<Secret>> {
        self.inner.get_detail(at).await
    }

    async fn set_detail(&self, request: SetDetailRequest) -> PluginResult<()> {
        self.inner.set_detail(request).await
    }

    async fn remove_detail(&self, at: DetailKey) -> PluginResult<()> {
        self.inner.remove_detail(at).await
    }

    async fn list_details(&self, request: ListDetailsRequest) -> PluginResult<Details> {
        self.inner.list_details(request).await
    }

    async fn find_host(&self, uuid: Uuid) -> PluginResult<Option<HypervisorHost>> {
        if uuid == self.hypervisor_host.uuid {
            return Ok(Some(self.hypervisor_host.clone()));
        }
        self.inner.find_host(uuid).await
    }

    async fn list_hosts(&self, request: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        let mut hosts = self.inner.list_hosts(request).await?;
        hosts.push(self.hypervisor_host.clone());
        Ok(hosts)
    }

    async fn find_store(&self, uuid: Uuid) -> PluginResult<Option<DataStore>> {
        if let Some(store) = self.own_store(uuid) {
            return Ok(Some(store));
        }
        self.inner.find_store(uuid).await
    }

    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()> {
        if self.own_store(report.store).is_some() {
            return Ok(());
        }
        self.inner.report_capacity(report).await
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        self.inner.temporary_directory().await
    }
}
