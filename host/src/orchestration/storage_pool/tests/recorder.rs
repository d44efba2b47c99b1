//! A provider that writes down what its life cycle and its listener are told. Its objects are those
//! of the in-memory example.

use crate::in_memory::{InMemory, StoreDetails};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use storage_plugin_api::*;

pub(in crate::orchestration) const NAME: &str = "Recorder";

#[derive(Clone, Default)]
pub(in crate::orchestration) struct Recorder {
    memory: InMemory,
    log: Arc<Mutex<Vec<String>>>,
    failing: Arc<Mutex<BTreeMap<&'static str, PluginError>>>,
    hanging: Arc<Mutex<BTreeSet<&'static str>>>,
    gone_on: Arc<tokio::sync::Notify>,
    /// The epoch that the back end saw last; lower ones are refused.
    mark: Arc<AtomicU64>,
}

impl Recorder {
    /// What was told since the last look.
    pub(in crate::orchestration) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    pub(in crate::orchestration) fn fail(&self, method: &'static str, error: PluginError) {
        self.failing.lock().unwrap().insert(method, error);
    }

    pub(in crate::orchestration) fn heal(&self, method: &'static str) {
        self.failing.lock().unwrap().remove(method);
        self.hanging.lock().unwrap().remove(method);
    }

    /// Lets a method go on that hangs.
    pub(in crate::orchestration) fn go_on(&self, method: &'static str) {
        self.hanging.lock().unwrap().remove(method);
        self.gone_on.notify_waiters();
    }

    /// Lets a method never return.
    pub(in crate::orchestration) fn hang(&self, method: &'static str) {
        self.hanging.lock().unwrap().insert(method);
    }

    /// Whether a method was called since the last look.
    pub(in crate::orchestration) fn was_called(&self, method: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.split(' ').next() == Some(method))
    }

    /// The back end was seen by a later life.
    pub(in crate::orchestration) fn set_mark(&self, epoch: u64) {
        self.mark.store(epoch, Ordering::SeqCst);
    }

    async fn note(&self, method: &'static str, about: &str) -> PluginResult<()> {
        self.log.lock().unwrap().push(format!("{method} {about}").trim_end().to_owned());
        loop {
            let gone_on = self.gone_on.notified();
            if !self.hanging.lock().unwrap().contains(method) {
                break;
            }
            gone_on.await;
        }
        match self.failing.lock().unwrap().get(method) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl DataStoreLifeCycle for Recorder {
    async fn initialize(
        &self,
        _: &CallContext,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore> {
        self.note("initialize", &request.name).await?;
        let details: StoreDetails = request.details.parse()?;
        let mut store = InitializedStore::default();
        store.capacity_bytes = request.capacity_bytes.or(Some(1 << 40));
        store.back_end_identity = Some(details.area);
        Ok(store)
    }

    async fn attach_zone(
        &self,
        _: &CallContext,
        store: &StoreContext,
        _: AttachZoneRequest,
    ) -> PluginResult<bool> {
        self.note("attach_zone", &store.name).await?;
        let mark = self.mark.load(Ordering::SeqCst);
        if store.epoch < mark {
            return Err(PluginError::conflict("a later life has the back end").with("epoch", mark));
        }
        Ok(true)
    }

    async fn maintain(&self, _: &CallContext, store: &StoreContext) -> PluginResult<bool> {
        self.note("maintain", &store.name).await.map(|()| true)
    }

    async fn cancel_maintain(&self, _: &CallContext, store: &StoreContext) -> PluginResult<bool> {
        self.note("cancel_maintain", &store.name).await.map(|()| true)
    }

    async fn delete_data_store(&self, _: &CallContext, store: &StoreContext) -> PluginResult<bool> {
        self.note("delete_data_store", &store.name).await.map(|()| true)
    }
}

#[async_trait]
impl PrimaryDataStoreLifeCycle for Recorder {
    async fn update_storage_pool(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: UpdatePoolRequest,
    ) -> PluginResult<()> {
        let bytes = request.capacity_bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        self.note("update_storage_pool", &bytes).await
    }

    async fn enable_storage_pool(&self, _: &CallContext, store: &StoreContext) -> PluginResult<()> {
        self.note("enable_storage_pool", &store.name).await
    }

    async fn disable_storage_pool(
        &self,
        _: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<()> {
        self.note("disable_storage_pool", &store.name).await
    }
}

#[async_trait]
impl HypervisorHostListener for Recorder {
    async fn host_added(&self, _: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        self.note("host_added", &host.name).await
    }

    async fn host_connect(
        &self,
        _: &CallContext,
        request: HostPoolRequest,
    ) -> PluginResult<HostPoolAnswer> {
        let about = format!("{} {}", request.host.name, request.store.name);
        self.note("host_connect", &about).await?;
        Ok(HostPoolAnswer::default())
    }

    async fn host_disconnected(
        &self,
        _: &CallContext,
        request: HostPoolRequest,
    ) -> PluginResult<()> {
        let about = format!("{} {}", request.host.name, request.store.name);
        self.note("host_disconnected", &about).await
    }

    async fn host_about_to_be_removed(
        &self,
        _: &CallContext,
        host: HypervisorHost,
    ) -> PluginResult<()> {
        self.note("host_about_to_be_removed", &host.name).await
    }

    async fn host_removed(&self, _: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        self.note("host_removed", &host.name).await
    }

    async fn host_enabled(&self, _: &CallContext, host: HypervisorHost) -> PluginResult<()> {
        self.note("host_enabled", &host.name).await
    }
}

#[async_trait]
impl DataStoreProvider for Recorder {
    fn get_name(&self) -> String {
        NAME.to_owned()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![DataStoreProviderType::Primary]
    }

    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<StoreDetails>()
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        scope == ScopeType::Zone
    }

    async fn configure(
        &self,
        _: &CallContext,
        _: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()> {
        host.register_driver(DataStoreProviderType::Primary).await
    }

    fn get_data_store_driver(&self, _: DataStoreProviderType) -> Option<Driver> {
        Some(Driver::Primary(Arc::new(self.memory.clone())))
    }

    fn get_data_store_life_cycle(&self, _: DataStoreProviderType) -> Option<LifeCycle> {
        Some(LifeCycle::Primary(Arc::new(self.clone())))
    }

    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        Some(Arc::new(self.clone()))
    }
}
