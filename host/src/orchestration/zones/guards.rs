//! What stands in the way of removing a place, by name.

use crate::model::{Failure, Record, Stored};
use crate::orchestration::rooms::Rooms;
use crate::store::Filter;

/// What stands in the way, by kind.
#[derive(Debug, Default)]
pub(super) struct InTheWay(Vec<String>);

impl InTheWay {
    /// Adds the records of a kind that a filter finds.
    pub(super) async fn add<T: Record>(
        &mut self,
        rooms: &Rooms,
        filter: &Filter,
    ) -> Result<(), Failure> {
        let found: Vec<Stored<T>> = rooms.repository.list(filter).await?;
        let kind = T::KIND.as_str().replace('_', " ");
        self.0.extend(found.iter().map(|one| format!("{kind} {:?}", one.index().name)));
        Ok(())
    }

    /// Fails where anything is.
    ///
    /// # Errors
    /// `InUse`, with the names.
    pub(super) fn refuse(self, what: &str) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Failure::in_use(format!(
            "{what} is not empty: there is {}; remove these first",
            self.0.join(", ")
        )))
    }
}
