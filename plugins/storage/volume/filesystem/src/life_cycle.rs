//! The life of a store: validated and marked, attached, in maintenance, unmarked.

use crate::adding::{add, check_limit, remove};
use crate::details::{Place, PoolFields};
use crate::stores::Stores;
use storage_plugin_api::files::{self, blocking};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};

/// The life cycle of all stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilesystemLifeCycle {
    pub(crate) stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreLifeCycle for FilesystemLifeCycle {
    async fn initialize(&self, _: &Call, request: InitializeRequest) -> Result<InitializedStore> {
        let mut store = DataStore::new(request.uuid, request.role);
        store.name = request.name;
        store.url = request.url;
        store.details = request.details;
        store.installation_id = request.installation_id;
        let fields: PoolFields = store.details.parse()?;
        let limit = fields.capacity_bytes.or(request.capacity_bytes);
        let (place, stores) = (Place::of(&store)?, Arc::clone(&self.stores));
        blocking(move || add(&stores, &store, place, limit)).await
    }

    async fn attach_zone(&self, _: &Call, store: &Pool, _: AttachZoneRequest) -> Result<bool> {
        self.attach(store).await
    }

    async fn attach_cluster(
        &self,
        _: &Call,
        store: &Pool,
        _: AttachClusterRequest,
    ) -> Result<bool> {
        self.attach(store).await
    }

    async fn attach_host(&self, _: &Call, store: &Pool, _: AttachHostRequest) -> Result<bool> {
        self.attach(store).await
    }

    // The work on the store has ended by now, and a directory has no doors to close. Nothing is
    // looked at: a store goes into maintenance because its disk is gone, too.
    async fn maintain(&self, _: &Call, store: &Pool) -> Result<bool> {
        // But an open file would keep that disk from being unmounted.
        files::rest(&Place::of(store)?.site);
        Ok(true)
    }

    async fn cancel_maintain(&self, _: &Call, _: &Pool) -> Result<bool> {
        Ok(true)
    }

    async fn delete_data_store(&self, _: &Call, store: &Pool) -> Result<bool> {
        let (place, stores) = (Place::of(store)?, Arc::clone(&self.stores));
        blocking(move || remove(&stores, &place)).await
    }
}

#[async_trait]
impl PrimaryDataStoreLifeCycle for FilesystemLifeCycle {
    // The limit is kept in the mark, where the driver finds it: an error is a veto.
    async fn update_storage_pool(
        &self,
        _: &Call,
        store: &Pool,
        to: UpdatePoolRequest,
    ) -> Result<()> {
        let (place, stores) = (Place::of(store)?, Arc::clone(&self.stores));
        let Some(limit) = to.capacity_bytes else {
            return Ok(());
        };
        blocking(move || {
            let mut opened = stores.change(&place)?;
            check_limit(&place, &opened.directory, Some(limit))?;
            stores.rewrite(&place, &mut opened, |mark| mark.capacity_bytes = Some(limit))
        })
        .await
    }

    // A directory is as near to one host as to another; who may see it is the host's affair.
    async fn change_storage_pool_scope_to_zone(
        &self,
        _: &Call,
        _: &Pool,
        _: ChangeScopeRequest,
    ) -> Result<()> {
        Ok(())
    }

    async fn change_storage_pool_scope_to_cluster(
        &self,
        _: &Call,
        _: &Pool,
        _: ChangeScopeRequest,
    ) -> Result<()> {
        Ok(())
    }
}

impl FilesystemLifeCycle {
    /// Looks whether the store is there and ours, and removes what a crash left in the making.
    async fn attach(&self, store: &Pool) -> Result<bool> {
        let (place, stores) = (Place::of(store)?, Arc::clone(&self.stores));
        blocking(move || {
            let opened = stores.change(&place)?;
            Stores::clean_up(&place, &opened.directory)?;
            Ok(true)
        })
        .await
    }
}
