//! An image store of the plugin `nfs`, called through the contract's traits.

use crate::artifacts;
use crate::fail::OrFail;
use crate::plugin::{Plugin, Skin, memory_host};
use serde_json::{Map, Value};
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CallContext, DataObject, DataStore, DataStoreLifeCycle, DataStoreProvider,
    DataStoreProviderType, DataStoreRole, Driver, ImageStoreDriver, InitializeRequest, LifeCycle,
    PluginResult, Scope, StoreContext,
};

/// A plugin with an image store that was added.
#[derive(Debug)]
pub struct Images {
    /// The plugin.
    pub plugin: Plugin,
    /// The store.
    pub store: StoreContext,
}

impl Images {
    /// Loads the plugin with settings, and adds a store with a URL.
    pub async fn new(skin: Skin, settings: Map<String, Value>, url: &str) -> Self {
        let library = artifacts::library("storage-image-nfs");
        let plugin = Plugin::load_file(skin, &library, settings, memory_host()).await;
        let (role, scope) = (DataStoreRole::Image, Scope::zone(Uuid::new_v4()));
        let mut request = InitializeRequest::new(Uuid::new_v4(), role, "images", scope);
        url.clone_into(&mut request.url);
        "ins-tests".clone_into(&mut request.installation_id);
        let mut store = DataStore::new(request.uuid, role);
        store.installation_id.clone_from(&request.installation_id);
        store.epoch = 1;
        let call = CallContext::new(Uuid::new_v4());
        let added = life_cycle(&plugin).initialize(&call, request).await.or_fail("add a store");
        store.url = added.url.or_fail("the URL of the store");
        store.details = added.details.or_fail("the details of the store");
        Self { plugin, store: StoreContext::new(store) }
    }

    /// The driver of image stores.
    pub fn driver(&self) -> Arc<dyn ImageStoreDriver> {
        match self.plugin.provider().get_data_store_driver(DataStoreProviderType::Image) {
            Some(Driver::Image(driver)) => driver,
            other => crate::fail::fail(&format!("it has a driver, not {other:?}")),
        }
    }

    /// The life cycle of image stores.
    pub fn life_cycle(&self) -> Arc<dyn DataStoreLifeCycle> {
        life_cycle(&self.plugin)
    }

    /// Whether an object is there, whole.
    ///
    /// # Errors
    /// The driver's.
    pub async fn is_there(&self, object: impl Into<DataObject>) -> PluginResult<bool> {
        let call = CallContext::new(Uuid::new_v4());
        Ok(self.driver().describe(&call, &self.store, object.into()).await?.present)
    }
}

fn life_cycle(plugin: &Plugin) -> Arc<dyn DataStoreLifeCycle> {
    match plugin.provider().get_data_store_life_cycle(DataStoreProviderType::Image) {
        Some(LifeCycle::Image(life_cycle)) => life_cycle,
        other => crate::fail::fail(&format!("it has a life cycle, not {other:?}")),
    }
}
