//! An image store of a plugin, called through the contract's traits.

use crate::artifacts;
use crate::fail::OrFail;
use crate::plugin::{Plugin, Skin, call, memory_host};
use serde_json::{Map, Value};
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CheckpointToken, CreateRequest, DataObject, DataStore, DataStoreLifeCycle, DataStoreProvider,
    DataStoreProviderType, DataStoreRole, Driver, ImageFormat, ImageStoreDriver, InitializeRequest,
    LifeCycle, OpenWriterRequest, OpenedWriter, PluginResult, Scope, StoreContext, TemplateInfo,
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
    /// Loads the plugin `nfs` with settings, and adds a store with a URL.
    pub async fn new(skin: Skin, settings: Map<String, Value>, url: &str) -> Self {
        let library = artifacts::library("storage-image-nfs");
        let plugin = Plugin::load_file(skin, &library, settings, memory_host()).await;
        let (role, scope) = (DataStoreRole::Image, Scope::zone(Uuid::new_v4()));
        let mut request = InitializeRequest::new(Uuid::new_v4(), role, "images", scope);
        url.clone_into(&mut request.url);
        "ins-tests".clone_into(&mut request.installation_id);
        Self::added(plugin, request).await
    }

    /// Adds a store to a plugin.
    pub async fn added(plugin: Plugin, request: InitializeRequest) -> Self {
        let mut store = DataStore::new(request.uuid, request.role);
        store.installation_id.clone_from(&request.installation_id);
        store.epoch = 1;
        let life_cycle = plugin.image_life_cycle();
        let added = life_cycle.initialize(&call(), request).await.or_fail("add a store");
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
        self.plugin.image_life_cycle()
    }

    /// Makes the place of a template of 10 GiB.
    pub async fn create(&self) -> TemplateInfo {
        let mut template =
            TemplateInfo::new(Uuid::new_v4(), "debian", ImageFormat::Qcow2, 10 << 30);
        (template.id, template.account_id) = (201, 2);
        let request = CreateRequest::new(template.clone());
        let made = self.driver().create_async(&call(), &self.store, request).await;
        template.install_path = made.or_fail("create a template").path;
        template
    }

    /// Opens a write of so many bytes, from a token on if there is one.
    ///
    /// # Errors
    /// The driver's.
    pub async fn writer(
        &self,
        of: &TemplateInfo,
        bytes: u64,
        resume: Option<CheckpointToken>,
    ) -> PluginResult<OpenedWriter> {
        let mut request = OpenWriterRequest::new(of.clone(), bytes);
        request.resume = resume;
        self.driver().open_writer(&call(), &self.store, request).await
    }

    /// Whether an object is there, whole.
    ///
    /// # Errors
    /// The driver's.
    pub async fn is_there(&self, object: impl Into<DataObject>) -> PluginResult<bool> {
        Ok(self.driver().describe(&call(), &self.store, object.into()).await?.present)
    }
}

impl Plugin {
    /// The life cycle of its image stores.
    pub fn image_life_cycle(&self) -> Arc<dyn DataStoreLifeCycle> {
        match self.provider().get_data_store_life_cycle(DataStoreProviderType::Image) {
            Some(LifeCycle::Image(life_cycle)) => life_cycle,
            other => crate::fail::fail(&format!("it has a life cycle, not {other:?}")),
        }
    }
}
