//! The way to the driver of a data store, of whatever role.
//!
//! **Invariant:** every call to a driver goes through [`StoreAccess::guarded`].

use super::rooms::Rooms;
use crate::jobs::{Guard, GuardedCall, StepContext, StepError};
use crate::motion::{Allowance, End};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{
    CallContext, DataObject, DataStore, DataStoreCapabilities, DataStoreDriver, DataStoreProvider,
    ListObjectsRequest, ListedObject, ObjectDescription, PluginError, PluginResult, StoreContext,
    StoredObject,
};

/// How many objects a driver is asked for at once.
const PAGE: u32 = 1_000;

/// A data store, and how to reach it.
pub(super) struct StoreAccess<'a> {
    rooms: &'a Rooms,
    pub(super) driver: Arc<dyn DataStoreDriver>,
    pub(super) context: StoreContext,
    pub(super) provider: Arc<dyn DataStoreProvider>,
    pub(super) provider_name: String,
    window: Duration,
    /// What it is called in messages: `storage pool "primary"`.
    pub(super) title: String,
    /// How fast bytes come and go.
    allowance: Arc<Allowance>,
}

impl<'a> StoreAccess<'a> {
    pub(super) fn new(
        rooms: &'a Rooms,
        (provider_name, provider): (&str, Arc<dyn DataStoreProvider>),
        driver: Arc<dyn DataStoreDriver>,
        (store, bandwidth): (DataStore, Option<u64>),
        title: String,
    ) -> Self {
        Self {
            allowance: rooms.allowances.of(store.uuid, bandwidth),
            rooms,
            driver,
            context: StoreContext::new(store),
            provider,
            provider_name: provider_name.to_owned(),
            window: (rooms.windows)(provider_name),
            title,
        }
    }
}

impl StoreAccess<'_> {
    /// Makes a call under the guard.
    pub(super) async fn guarded<T>(
        &self,
        call: &CallContext,
        work: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        self.rooms.guard.call(self.about(), call, work).await
    }

    /// What guards the calls to the store.
    pub(super) fn guard(&self) -> &Guard {
        &self.rooms.guard
    }

    /// What the guard is told of calls to the store.
    pub(super) fn about(&self) -> GuardedCall<'_> {
        GuardedCall {
            provider: &self.provider_name,
            window: self.window,
            store: Some((self.context.uuid, &self.title)),
        }
    }

    /// What the driver can do on this store now. Its limit of concurrent calls holds from here on.
    pub(super) async fn capabilities(
        &self,
        call: &CallContext,
    ) -> PluginResult<DataStoreCapabilities> {
        let asked = self.driver.get_capabilities(call, &self.context);
        let capabilities = self.guarded(call, asked).await?;
        self.guard().declare(&self.provider_name, capabilities.limits.concurrent_calls);
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

    /// Every object on the store, page by page.
    pub(super) async fn list_all(
        &self,
        context: &StepContext,
    ) -> Result<Vec<ListedObject>, StepError> {
        let mut request = ListObjectsRequest::default();
        request.limit = PAGE;
        let mut objects = Vec::new();
        loop {
            let call = context.call();
            let asked = self.driver.list_objects(&call, &self.context, request.clone());
            let page = self.guarded(&call, asked).await?;
            objects.extend(page.objects);
            if page.next_marker.is_none() {
                return Ok(objects);
            }
            if page.next_marker == request.marker {
                return Err(self.contradiction("has a next page", "is on the same page again"));
            }
            request.marker = page.next_marker;
        }
    }

    /// What a driver said and what it shows do not agree: tried again, for it may be slow.
    pub(super) fn contradiction(&self, said: &str, shown: &str) -> StepError {
        PluginError::unavailable(format!(
            "provider {:?} says that it {said}, and by its own description it {shown}",
            self.provider_name
        ))
        .into()
    }

    /// An object on the store as an end of a transfer.
    pub(super) fn end(&self, object: DataObject) -> End<'_> {
        End {
            driver: self.driver.as_ref(),
            store: &self.context,
            object,
            about: self.about(),
            guard: self.guard(),
            allowance: Arc::clone(&self.allowance),
        }
    }

    /// An object on the store, where a call speaks of two stores.
    pub(super) fn stored(&self, object: impl Into<DataObject>) -> StoredObject {
        StoredObject::new(DataStore::clone(&self.context), object.into())
    }
}

impl fmt::Debug for StoreAccess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreAccess").field(&self.title).finish()
    }
}
