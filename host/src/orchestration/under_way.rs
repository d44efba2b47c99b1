//! What is being done with a record now.

use super::rooms::Rooms;
use crate::jobs::StepError;
use crate::model::Operation;
use crate::model::Phase::{Running, Undoing};
use crate::store::{OperationFilter, Repository, StoreError};
use uuid::Uuid;

impl Rooms {
    /// Whether an operation about a record is under way.
    pub(super) async fn is_held(&self, object: Uuid) -> Result<bool, StepError> {
        Ok(self.under_way(object).await?.is_some())
    }

    /// The operation about a record that is under way.
    pub(super) async fn under_way(&self, object: Uuid) -> Result<Option<Operation>, StepError> {
        Ok(under_way(self.repository.as_ref(), object).await?)
    }
}

/// The same, for who has no more than the store.
pub(super) async fn under_way(
    repository: &dyn Repository,
    object: Uuid,
) -> Result<Option<Operation>, StoreError> {
    let filter = OperationFilter { object: Some(object), phases: vec![Running, Undoing], limit: 1 };
    Ok(repository.list_operations(&filter).await?.into_iter().next())
}
