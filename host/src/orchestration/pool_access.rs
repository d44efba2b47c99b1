//! The way from a pool's record to its driver.
//!
//! **Invariant:** every call to a driver of a pool goes through [`PoolAccess::guarded`]; a pool
//! that is quarantined, or whose provider is missing, has no way.

use super::rooms::Rooms;
use crate::jobs::{Guard, GuardedCall, StepContext, StepError};
use crate::model::{Failure, StoragePool, StoragePoolState, Stored};
use crate::store::Key;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{
    CallContext, DataObject, DataStoreCapabilities, DataStoreProvider, DataStoreProviderType,
    Driver, HypervisorHostListener, LifeCycle, ObjectDescription, PluginError, PluginResult,
    PrimaryDataStoreDriver, PrimaryDataStoreLifeCycle, StoreContext,
};
use uuid::Uuid;

/// A pool, and how to reach it.
pub(super) struct PoolAccess<'a> {
    rooms: &'a Rooms,
    pub(super) pool: Stored<StoragePool>,
    pub(super) driver: Arc<dyn PrimaryDataStoreDriver>,
    pub(super) context: StoreContext,
    provider: Arc<dyn DataStoreProvider>,
    window: Duration,
    title: String,
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
        if !self.connected.is_settled(&access.pool).await {
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
        Ok(PoolAccess {
            rooms: self,
            driver,
            context: StoreContext::new(store),
            window: (self.windows)(&pool.provider),
            provider,
            title: format!("storage pool {:?}", pool.name),
            pool,
        })
    }
}

impl PoolAccess<'_> {
    /// Makes a call under the guard.
    pub(super) async fn guarded<T>(
        &self,
        call: &CallContext,
        work: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        self.rooms.guard.call(self.about(), call, work).await
    }

    /// What guards the calls to the pool.
    pub(super) fn guard(&self) -> &Guard {
        &self.rooms.guard
    }

    /// What the guard is told of calls to the pool.
    pub(super) fn about(&self) -> GuardedCall<'_> {
        GuardedCall {
            provider: &self.pool.provider,
            window: self.window,
            store: Some((self.pool.uuid, &self.title)),
        }
    }

    /// What the driver can do on this pool now. Its limit of concurrent calls holds from here on.
    pub(super) async fn capabilities(
        &self,
        call: &CallContext,
    ) -> PluginResult<DataStoreCapabilities> {
        let asked = self.driver.get_capabilities(call, &self.context);
        let capabilities = self.guarded(call, asked).await?;
        self.guard().declare(&self.pool.provider, capabilities.limits.concurrent_calls);
        Ok(capabilities)
    }

    /// The truth about an object.
    pub(super) async fn describe(
        &self,
        context: &StepContext,
        object: impl Into<DataObject>,
    ) -> Result<ObjectDescription, StepError> {
        let call = context.call();
        let asked = self.driver.describe(&call, &self.context, object.into());
        Ok(self.guarded(&call, asked).await?)
    }

    /// Removes an object, and believes it only when it is gone.
    pub(super) async fn delete(
        &self,
        context: &StepContext,
        object: impl Into<DataObject>,
    ) -> Result<(), StepError> {
        let object = object.into();
        let call = context.call();
        let asked = self.driver.delete_async(&call, &self.context, object.clone());
        let deleted = self.guarded(&call, asked).await;
        // Whatever was answered, only a look tells what is true: it is worth another try.
        let shown = self.describe(context, object).await.map_err(StepError::worth_another_try)?;
        match (&deleted, shown.present) {
            (_, false) => Ok(()),
            (Ok(()), true) => Err(self.contradiction("deleted the object", "is still there")),
            (Err(_), true) => Ok(deleted?),
        }
    }

    /// What a driver said and what it shows do not agree: tried again, for it may be slow.
    pub(super) fn contradiction(&self, said: &str, shown: &str) -> StepError {
        PluginError::unavailable(format!(
            "provider {:?} says that it {said}, and by its own description it {shown}",
            self.pool.provider
        ))
        .into()
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
