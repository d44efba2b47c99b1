//! Records, operations and events: what the rooms above keep.
//!
//! What it is not: their meaning; that is `model`'s. The traits here are for engines; callers use
//! the typed methods on `dyn Repository` at the end of this file.

use super::change::{Change, Refused};
use super::row::{Row, from_row};
use super::{Repository, StoreError};
use crate::model::{Event, Operation, Phase, Record, RecordKind, Stored};
use async_trait::async_trait;
use uuid::Uuid;

/// Which record is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// By its public id.
    Uuid(Uuid),
    /// By its internal number.
    Id(u64),
}

/// Which records to list. What is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// With exactly this name.
    pub name: Option<String>,
    /// That belong to this owner.
    pub owner: Option<Uuid>,
    /// In this zone.
    pub zone: Option<Uuid>,
    /// In one of these states.
    pub states: Vec<&'static str>,
    /// Also those that were removed.
    pub removed: bool,
}

/// Who holds a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What is held.
    pub name: String,
    /// By whom.
    pub holder: Uuid,
    /// Since when, in microseconds since 1970 (UTC).
    pub since_us: i64,
}

/// The promises on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capacity {
    /// How many bytes may be promised; `None` where no limit was set.
    pub limit: Option<u64>,
    /// How many are.
    pub reserved: u64,
}

/// Which operations to list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationFilter {
    /// Only those about this object.
    pub object: Option<Uuid>,
    /// Only those in one of these phases.
    pub phases: Vec<Phase>,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// Which events to list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Only those about this object.
    pub object: Option<Uuid>,
    /// Only those after this number.
    pub after: u64,
    /// At most so many; 0 for all.
    pub limit: u32,
}

/// Where records, operations and events are kept.
///
/// # Errors
/// Every method: `Closed`; `Read` or `Write` when the engine fails; `Unreadable` for a record that
/// was sealed with another key.
#[async_trait]
pub trait RecordRepository: Send + Sync + 'static {
    /// Makes all changes, in their order, or none.
    ///
    /// # Errors
    /// The first change that was refused.
    async fn transact(&self, changes: Vec<Change>) -> Result<(), Refused>;

    /// A record, also one that was removed.
    async fn find_row(&self, kind: RecordKind, key: Key) -> Result<Option<Row>, StoreError>;

    /// Records, in the order of their internal numbers.
    async fn list_rows(&self, kind: RecordKind, filter: &Filter) -> Result<Vec<Row>, StoreError>;

    /// Who holds a name.
    async fn find_claim(&self, name: &str) -> Result<Option<Claim>, StoreError>;

    /// Every claim, in the order of their names.
    async fn list_claims(&self) -> Result<Vec<Claim>, StoreError>;

    /// The promises on a store.
    async fn capacity(&self, store: Uuid) -> Result<Capacity, StoreError>;

    /// Each owner's promise on a store.
    async fn reservations(&self, store: Uuid) -> Result<Vec<(Uuid, u64)>, StoreError>;

    /// An operation.
    async fn find_operation(&self, uuid: Uuid) -> Result<Option<Operation>, StoreError>;

    /// Every operation that does not rest, the oldest first.
    async fn unfinished_operations(&self) -> Result<Vec<Operation>, StoreError>;

    /// Operations, the newest first.
    async fn list_operations(&self, filter: &OperationFilter)
    -> Result<Vec<Operation>, StoreError>;

    /// Events, the newest first.
    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError>;

    /// The epoch of this host: durably higher at each opening of the store.
    fn epoch(&self) -> u64;

    /// Raises the epoch above another, durably, for the rest of this opening and all later ones.
    async fn raise_epoch_above(&self, other: u64) -> Result<u64, StoreError>;
}

impl dyn Repository + '_ {
    /// A record that was not removed.
    ///
    /// # Errors
    /// Those of [`find_row`](RecordRepository::find_row).
    pub async fn find<T: Record>(&self, uuid: Uuid) -> Result<Option<Stored<T>>, StoreError> {
        let found = self.find_any(Key::Uuid(uuid)).await?;
        Ok(found.filter(|stored: &Stored<T>| stored.removed_us.is_none()))
    }

    /// A record, also one that was removed.
    ///
    /// # Errors
    /// Those of [`find_row`](RecordRepository::find_row).
    pub async fn find_any<T: Record>(&self, key: Key) -> Result<Option<Stored<T>>, StoreError> {
        self.find_row(T::KIND, key).await?.map(from_row).transpose()
    }

    /// Records.
    ///
    /// # Errors
    /// Those of [`list_rows`](RecordRepository::list_rows).
    pub async fn list<T: Record>(&self, filter: &Filter) -> Result<Vec<Stored<T>>, StoreError> {
        self.list_rows(T::KIND, filter).await?.into_iter().map(from_row).collect()
    }
}
