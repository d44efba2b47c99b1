//! The records that an object names beside its own: each is read once an answer.

use crate::api::call::{Call, Services};
use crate::api::error::ApiError;
use crate::model::Record;
use crate::store::{Key, Repository};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// What was read so far for one answer.
pub(in crate::api) struct Names {
    repository: Arc<dyn Repository>,
    services: Arc<Services>,
    found: HashMap<(&'static str, Uuid), Option<Arc<dyn Any + Send + Sync>>>,
}

impl Names {
    /// Nothing was read yet.
    pub(in crate::api) fn new(call: &Call) -> Self {
        Self {
            repository: Arc::clone(call.repository()),
            services: Arc::clone(&call.services),
            found: HashMap::new(),
        }
    }

    /// A record, also one that was removed.
    pub(in crate::api) async fn find<T: Record>(
        &mut self,
        uuid: Option<Uuid>,
    ) -> Result<Option<Arc<T>>, ApiError> {
        let Some(uuid) = uuid else {
            return Ok(None);
        };
        let at = (T::KIND.as_str(), uuid);
        if !self.found.contains_key(&at) {
            let stored = self.repository.find_any::<T>(Key::Uuid(uuid)).await?;
            let record = stored.map(|stored| Arc::new(stored.record) as Arc<dyn Any + Send + Sync>);
            self.found.insert(at, record);
        }
        let found = self.found.get(&at).cloned().flatten();
        Ok(found.and_then(|record| record.downcast::<T>().ok()))
    }

    /// Where it is read from.
    pub(in crate::api) fn repository(&self) -> &Arc<dyn Repository> {
        &self.repository
    }
    /// What the host knows without asking the store.
    pub(in crate::api) fn services(&self) -> &Services {
        &self.services
    }
}
