//! Templates and ISOs: made, copied, cached on pools, removed.
//!
//! One file for each flow.
//!
//! **Invariant:** a template is usable where one of its [`ObjectInStore`]s is Ready; its record
//! says what it is, never where.

mod copy;
mod create;
mod delete;
mod on_pool;
mod register;
mod staging;
mod update;

#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::{Failure, ObjectInStore, Stored, Template};
use crate::store::Filter;
use std::sync::Arc;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

pub use create::{CreateTemplate, TemplateSource};
#[cfg(test)]
pub(super) use on_pool::Destination;
pub use register::RegisterTemplate;
pub use update::UpdateTemplate;

/// The service of templates and ISOs.
#[derive(Debug, Clone)]
pub struct Templates {
    rooms: Arc<Rooms>,
}

impl Templates {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(copy::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(delete::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(register::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// A template or ISO that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<Template>, Failure> {
        self.rooms.find_template(uuid).await
    }

    /// Templates and ISOs, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<Template>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }

    /// Where a template is, or is on its way to.
    ///
    /// # Errors
    /// The store's.
    pub async fn places(&self, template: Uuid) -> Result<Vec<Stored<ObjectInStore>>, Failure> {
        Ok(self.rooms.places_of(template).await?)
    }
}

impl Rooms {
    /// The Ready bytes of a template that a zone reads best: on an image store of its own, of the
    /// region, else of another zone; see [`best_place`](Self::best_place).
    ///
    /// # Errors
    /// `Conflict` where it is nowhere, with what is known of each place.
    pub(super) async fn template_source(
        &self,
        template: &Stored<Template>,
        zone: Uuid,
    ) -> Result<Stored<ObjectInStore>, Failure> {
        self.source_among(template, zone, &[DataStoreRole::Image]).await
    }

    /// The same, or those in an image cache that are nearer: for who reads them now and at once.
    ///
    /// # Errors
    /// As [`template_source`](Self::template_source).
    pub(super) async fn nearest_source(
        &self,
        template: &Stored<Template>,
        zone: Uuid,
    ) -> Result<Stored<ObjectInStore>, Failure> {
        let roles = [DataStoreRole::Image, DataStoreRole::ImageCache];
        self.source_among(template, zone, &roles).await
    }

    async fn source_among(
        &self,
        template: &Stored<Template>,
        zone: Uuid,
        roles: &[DataStoreRole],
    ) -> Result<Stored<ObjectInStore>, Failure> {
        let places = self.places_of(template.uuid).await?;
        if let Some(best) = self.best_place(&places, zone, roles).await? {
            return Ok(best);
        }
        let states: Vec<String> = places
            .iter()
            .filter(|one| one.role == DataStoreRole::Image)
            .map(|one| {
                let note = one.note.as_ref().map(|note| format!(": {note}"));
                format!("{}{}", one.state, note.unwrap_or_default())
            })
            .collect();
        Err(Failure::conflict(format!(
            "{} {:?} is not ready on any image store ({})",
            template.word(),
            template.name,
            if states.is_empty() { "it is on none".to_owned() } else { states.join("; ") }
        )))
    }
}
