//! The way from a pool's record to its driver.
//!
//! **Invariant:** a pool that is quarantined, or whose provider is missing, has no way.

use super::rooms::Rooms;
use super::storage_pool::is_in_use;
use super::store_access::StoreAccess;
use crate::jobs::StepError;
use crate::model::{Failure, StoragePool, StoragePoolState, Stored};
use crate::store::Key;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use storage_plugin_api::{
    DataStoreProviderType, Driver, HypervisorHostListener, LifeCycle, PluginError,
    PrimaryDataStoreDriver, PrimaryDataStoreLifeCycle,
};
use uuid::Uuid;

/// A pool, and how to reach it.
pub(super) struct PoolAccess<'a> {
    store: StoreAccess<'a>,
    pub(super) pool: Stored<StoragePool>,
    pub(super) driver: Arc<dyn PrimaryDataStoreDriver>,
}

impl<'a> Deref for PoolAccess<'a> {
    type Target = StoreAccess<'a>;

    fn deref(&self) -> &StoreAccess<'a> {
        &self.store
    }
}

impl Rooms {
    /// A pool that was not removed.
    pub(super) async fn find_pool(&self, uuid: Uuid) -> Result<Stored<StoragePool>, StepError> {
        let found = self.repository.find::<StoragePool>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no storage pool {uuid}")).into())
    }

    /// The way to a pool, whether it was removed or not.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one in quarantine or in maintenance; `Unavailable`, to be tried
    /// again, while it is not connected or its provider is missing.
    pub(super) async fn access(&self, uuid: Uuid) -> Result<PoolAccess<'_>, StepError> {
        let found = self.repository.find_any::<StoragePool>(Key::Uuid(uuid)).await?;
        let pool =
            found.ok_or_else(|| Failure::not_found(format!("there is no storage pool {uuid}")))?;
        let access = self.access_unconnected(pool)?;
        if !self.connected.is_settled(uuid, is_in_use(&access.pool)).await {
            // No operation works on it, so nothing waits for this; what is begun is refused.
            if access.pool.state == StoragePoolState::Maintenance {
                return Err(Failure::conflict(format!(
                    "storage pool {:?} is in state Maintenance: take it out of maintenance first \
                     (cancelStorageMaintenance)",
                    access.pool.name
                ))
                .into());
            }
            let why = self.connected.failure(uuid).map(|why| format!(": {why}"));
            return Err(PluginError::unavailable(format!(
                "storage pool {:?}, in state {}, is not connected{}",
                access.pool.name,
                access.pool.state,
                why.unwrap_or_default()
            ))
            .into());
        }
        Ok(access)
    }

    /// The way to a pool that need not be connected: one in maintenance, or about to be connected.
    ///
    /// # Errors
    /// `Conflict` for one in quarantine; `Unavailable` while its provider is missing.
    pub(super) fn access_unconnected(
        &self,
        pool: Stored<StoragePool>,
    ) -> Result<PoolAccess<'_>, StepError> {
        if let Some(reason) = &pool.quarantine {
            return Err(Failure::conflict(format!(
                "storage pool {:?} is in quarantine: {reason}; see `releaseStoragePoolQuarantine`",
                pool.name
            ))
            .into());
        }
        self.access_to(pool)
    }

    /// The way to a pool as it is given: quarantined or not, connected or not.
    pub(super) fn access_to(&self, pool: Stored<StoragePool>) -> Result<PoolAccess<'_>, StepError> {
        let missing = || {
            PluginError::unavailable(format!(
                "provider {:?} of storage pool {:?} is not loaded; see `storage-host plugins list` \
                 for the reason",
                pool.provider, pool.name
            ))
        };
        let provider = self.providers.provider(&pool.provider).ok_or_else(missing)?;
        let driver = match provider.get_data_store_driver(DataStoreProviderType::Primary) {
            Some(Driver::Primary(driver)) => driver,
            _ => return Err(missing().into()),
        };
        let installation_id = self.repository.installation_id().as_str();
        let store = pool.as_seen_by_plugins(pool.id, installation_id, self.repository.epoch());
        let store = (store, pool.bandwidth);
        let title = pool.title();
        let provider = (pool.provider.as_str(), provider);
        let store = StoreAccess::new(self, provider, Arc::clone(&driver) as _, store, title);
        Ok(PoolAccess { store, pool, driver })
    }
}

impl<'a> PoolAccess<'a> {
    /// What it has in common with stores of other roles.
    pub(super) fn into_store(self) -> StoreAccess<'a> {
        self.store
    }

    /// The life cycle of its provider.
    pub(super) fn life_cycle(&self) -> Result<Arc<dyn PrimaryDataStoreLifeCycle>, Failure> {
        match self.provider.get_data_store_life_cycle(DataStoreProviderType::Primary) {
            Some(LifeCycle::Primary(life_cycle)) => Ok(life_cycle),
            _ => Err(Failure::unsupported(format!(
                "provider {:?} has no life cycle of storage pools",
                self.pool.provider
            ))),
        }
    }

    /// The host listener of its provider, if it has one.
    pub(super) fn host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        self.provider.get_host_listener()
    }
}

impl fmt::Debug for PoolAccess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolAccess").field(&self.pool.name).finish()
    }
}
