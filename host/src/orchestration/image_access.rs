//! The way from an image store's record to its driver.
//!
//! **Invariant:** an image store that is quarantined, not connected, or whose provider is missing
//! has no way.

use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::StepError;
use crate::model::{Failure, ImageStore, ImageStoreState, Stored};
use crate::store::Key;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use storage_plugin_api::{DataStoreLifeCycle, Driver, LifeCycle, PluginError};
use uuid::Uuid;

/// An image store or image cache, and how to reach it.
pub(super) struct ImageAccess<'a> {
    store: StoreAccess<'a>,
    pub(super) image_store: Stored<ImageStore>,
}

impl<'a> Deref for ImageAccess<'a> {
    type Target = StoreAccess<'a>;

    fn deref(&self) -> &StoreAccess<'a> {
        &self.store
    }
}

impl Rooms {
    /// An image store that was not removed.
    pub(super) async fn find_image_store(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<ImageStore>, StepError> {
        let found = self.repository.find::<ImageStore>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no image store {uuid}")).into())
    }

    /// The way to an image store, whether it was removed or not.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one in quarantine; `Unavailable`, to be tried again, while it is
    /// not connected or its provider is missing.
    pub(super) async fn image_access(&self, uuid: Uuid) -> Result<ImageAccess<'_>, StepError> {
        let found = self.repository.find_any::<ImageStore>(Key::Uuid(uuid)).await?;
        let store =
            found.ok_or_else(|| Failure::not_found(format!("there is no image store {uuid}")))?;
        if let Some(reason) = &store.quarantine {
            let title = store.title();
            let why = format!(
                "{title} is in quarantine: {reason}; restore the database that belongs to it, or \
                 release it (releaseImageStoreQuarantine)"
            );
            return Err(Failure::conflict(why).into());
        }
        let access = self.image_access_to(store)?;
        let in_use = access.image_store.state == ImageStoreState::Up;
        if !self.connected.is_settled(uuid, in_use).await {
            let why = self.connected.failure(uuid).map(|why| format!(": {why}"));
            return Err(PluginError::unavailable(format!(
                "{} is not connected{}",
                access.title,
                why.unwrap_or_default()
            ))
            .into());
        }
        Ok(access)
    }

    /// The way to an image store as it is given: quarantined or not, connected or not.
    pub(super) fn image_access_to(
        &self,
        image_store: Stored<ImageStore>,
    ) -> Result<ImageAccess<'_>, StepError> {
        let title = image_store.title();
        let missing = || {
            PluginError::unavailable(format!(
                "provider {:?} of {title} is not loaded; see `storage-host plugins list` for the \
                 reason",
                image_store.provider
            ))
        };
        let provider = self.providers.provider(&image_store.provider).ok_or_else(missing)?;
        let driver = match provider.get_data_store_driver(image_store.provider_type()) {
            Some(Driver::Image(driver)) => driver,
            _ => return Err(missing().into()),
        };
        let installation_id = self.repository.installation_id().as_str();
        let epoch = self.repository.epoch();
        let store = image_store.as_seen_by_plugins(image_store.id, installation_id, epoch);
        let store = (store, image_store.bandwidth);
        let provider = (image_store.provider.as_str(), provider);
        let store = StoreAccess::new(self, provider, driver as _, store, title);
        Ok(ImageAccess { store, image_store })
    }
}

impl<'a> ImageAccess<'a> {
    /// What it has in common with stores of other roles.
    pub(super) fn into_store(self) -> StoreAccess<'a> {
        self.store
    }

    /// The life cycle of its provider.
    pub(super) fn life_cycle(&self) -> Result<Arc<dyn DataStoreLifeCycle>, Failure> {
        let kind = self.image_store.provider_type();
        match self.provider.get_data_store_life_cycle(kind) {
            Some(LifeCycle::Image(life_cycle)) => Ok(life_cycle),
            _ => Err(Failure::unsupported(format!(
                "provider {:?} has no life cycle of image stores",
                self.provider_name
            ))),
        }
    }
}

impl fmt::Debug for ImageAccess<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImageAccess").field(&self.title).finish()
    }
}
