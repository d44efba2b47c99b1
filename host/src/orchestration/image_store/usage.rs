//! How full an image store is, as its driver says.
//!
//! What it is not: when it is asked; that is the same for pools and image stores, in
//! `capacity.rs` beside this directory.

use crate::jobs::{StepContext, StepError};
use crate::model::ImageStore;
use crate::orchestration::extract::image_driver;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Refused};
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

impl super::ImageStores {
    /// Asks an image store how full it is, and writes that down.
    ///
    /// # Errors
    /// As the way to the store, and the driver's.
    pub async fn refresh_usage(&self, store: Uuid) -> Result<(), crate::model::Failure> {
        Ok(self.rooms.refresh_image_store(store).await?)
    }
}

impl Rooms {
    /// Asks an image store how full it is. One whose driver cannot say is asked whether it answers,
    /// and shows what was said when it was added, or is reported by its plugin.
    pub(in crate::orchestration) async fn refresh_image_store(
        &self,
        uuid: Uuid,
    ) -> Result<(), StepError> {
        let access = self.image_access(uuid).await?;
        let call = StepContext::detached("system").call();
        if !access.capabilities(&call).await?.storage_stats {
            return Ok(());
        }
        let Some(driver) = image_driver(&access) else {
            return Ok(());
        };
        let asked = driver.get_image_store_stats(&call, &access.context);
        let stats = match access.guarded(&call, asked).await {
            // A library of before, which means its pools by that ability.
            Err(error) if error.kind() == PluginErrorKind::Unsupported => return Ok(()),
            stats => stats?,
        };
        let Some(mut store) = self.repository.find::<ImageStore>(uuid).await? else {
            return Ok(());
        };
        let before = (store.capacity_bytes, store.used_bytes);
        store.take_usage(stats.capacity_bytes, stats.used_bytes);
        if before == (store.capacity_bytes, store.used_bytes) {
            return Ok(());
        }
        match self.repository.transact(vec![Change::update(&store)]).await {
            // Somebody wrote the record at this moment: the next look tells the same.
            Err(Refused::Changed { .. }) => Ok(()),
            written => Ok(written?),
        }
    }
}
