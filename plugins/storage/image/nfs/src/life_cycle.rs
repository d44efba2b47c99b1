//! The life of a store: validated and marked, unmarked.
//!
//! Attaching and maintenance mean nothing to an image store: the host changes its own row.

use crate::adding::{add, remove};
use crate::details::StoreFields;
use crate::stores::Stores;
use storage_plugin_api::files::{self, blocking};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Store};

/// The life cycle of all stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct NfsLifeCycle {
    pub(crate) stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreLifeCycle for NfsLifeCycle {
    async fn initialize(&self, _: &Call, request: InitializeRequest) -> Result<InitializedStore> {
        check_role(request.role)?;
        check_scope(&request.scope)?;
        let mut store = DataStore::new(request.uuid, request.role);
        store.name = request.name;
        store.url = request.url;
        store.details = request.details;
        store.installation_id = request.installation_id;
        let fields: StoreFields = store.details.parse()?;
        let stores = Arc::clone(&self.stores);
        let mut place = stores.place(&store)?;
        place.limit = fields.capacity_bytes.or(request.capacity_bytes);
        blocking(move || add(&stores, place)).await
    }

    async fn maintain(&self, _: &Call, store: &Store) -> Result<bool> {
        // An open file would keep the file system from being unmounted.
        files::rest(&self.stores.place(store)?.site);
        Ok(false)
    }

    async fn delete_data_store(&self, _: &Call, store: &Store) -> Result<bool> {
        let (place, stores) = (self.stores.place(store)?, Arc::clone(&self.stores));
        blocking(move || remove(&stores, &place)).await
    }
}

fn check_role(role: DataStoreRole) -> Result<()> {
    if matches!(role, DataStoreRole::Image | DataStoreRole::ImageCache) {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "role {role}: this provider serves image stores and image caches; for a storage pool in a \
         directory use the provider Filesystem"
    )))
}

fn check_scope(scope: &Scope) -> Result<()> {
    if scope.scope_type != ScopeType::Zone {
        return Err(PluginError::invalid_config(format!(
            "scope {}: a directory serves one zone, because what is near to one is far from the \
             others; add a store to each zone, or an object store to the region",
            scope.scope_type
        )));
    }
    match scope.zone_id {
        Some(_) => Ok(()),
        None => Err(PluginError::invalid_config("zone: missing; name the zone of the store")),
    }
}
