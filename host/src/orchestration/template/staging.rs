//! A template comes to the image cache of a zone, once, because pools of the zone are about to be
//! filled from it and its bytes are far away.
//!
//! **Invariant:** a cache is a help, never a need: where it does not take a template, pools are
//! filled from where it is.

use super::on_pool::Destination;
use crate::jobs::{StepContext, StepError};
use crate::model::{ImageStore, ImageStoreState, ObjectInStoreState, Stored, Template};
use crate::orchestration::rooms::Rooms;
use crate::store::Filter;
use storage_plugin_api::{DataStoreRole, PluginErrorKind};
use uuid::Uuid;

impl Rooms {
    /// Brings a template to an image cache of a zone, where that has one and all of the template's
    /// image stores are those of the region or of other zones.
    ///
    /// # Errors
    /// `Cancelled`; where it is nowhere. A cache that does not take it is no error.
    pub(super) async fn stage(
        &self,
        context: &StepContext,
        template: Uuid,
        zone: Uuid,
    ) -> Result<(), StepError> {
        let template = self.find_template(template).await?;
        let source = self.nearest_source(&template, zone).await?;
        if source.zone == Some(zone) {
            return Ok(());
        }
        let Some(cache) = self.cache_for(&template, zone, source.bytes()).await? else {
            return Ok(());
        };
        match self.brought_to(context, template.uuid, Destination::Cache(cache.uuid)).await {
            Err(error) if error.failure.kind == PluginErrorKind::Cancelled => Err(error),
            Err(error) => {
                log::warn!(
                    operation:% = context.operation();
                    "{} does not take template {:?}, which is brought to the pool from afar: {}",
                    cache.title(), template.name, error.failure
                );
                Ok(())
            }
            Ok(_) => {
                self.note_usage(cache.uuid).await;
                Ok(())
            }
        }
    }

    /// The image cache of a zone that a template comes to: the one where it is on its way to
    /// already, else the emptiest that can make room for it.
    async fn cache_for(
        &self,
        template: &Stored<Template>,
        zone: Uuid,
        bytes: u64,
    ) -> Result<Option<Stored<ImageStore>>, StepError> {
        let mut caches = self.repository.list::<ImageStore>(&Filter::default()).await?;
        caches.retain(|one| {
            one.role == DataStoreRole::ImageCache
                && one.serves(zone)
                && one.state == ImageStoreState::Up
                && one.quarantine.is_none()
                && !one.read_only
                && self.connected.has(one.uuid)
        });
        for place in self.places_of(template.uuid).await? {
            let is_coming =
                matches!(place.state, ObjectInStoreState::Creating | ObjectInStoreState::Ready);
            if let Some(cache) = caches.iter().find(|one| one.uuid == place.store && is_coming) {
                return Ok(Some(cache.clone()));
            }
        }
        caches.sort_by_key(|one| (one.used_bytes, one.id));
        for cache in caches {
            self.make_room(&cache, bytes).await?;
            let cache = self.find_image_store(cache.uuid).await?;
            let room = cache.capacity_bytes.saturating_sub(cache.used_bytes);
            if cache.capacity_bytes == 0 || room >= bytes {
                return Ok(Some(cache));
            }
            log::info!(
                "{} has no room for the {bytes} bytes of template {:?}",
                cache.title(),
                template.name
            );
        }
        Ok(None)
    }
}
