//! Records, operations and events on SQLite: the way of each call to the threads of the engine.
//!
//! What it is not: the statements; the file of each table has them.
//!
//! **Invariant:** what takes long and needs no database is done before a thread of the engine has
//! the call, or after: sealing, opening, JSON.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    SqliteRepository, capacity, claims, columns::LARGEST_NUMBER, events, meta, operations,
    operations::KeptOperation, row_reads,
};
use crate::{
    model::{Event, Operation, RecordKind},
    store::{
        Capacity, Change, Claim, EventFilter, Filter, Key, OperationFilter, RecordRepository,
        Refused, Row, StoreError,
    },
};

#[async_trait]
impl RecordRepository for SqliteRepository {
    async fn transact(&self, changes: Vec<Change>) -> Result<(), Refused> {
        self.make(changes).await
    }

    async fn find_row(&self, kind: RecordKind, key: Key) -> Result<Option<Row>, StoreError> {
        let what = match key {
            Key::Uuid(uuid) => format!("read {kind} {uuid}"),
            Key::Id(id) => format!("read {kind} {id}"),
        };
        let find = move |connection: &_| row_reads::find(connection, kind, &key);
        let found = self.readers.submit(what, find).await?;
        found.map(|row| row.open(kind, &self.envelope)).transpose()
    }

    async fn list_rows(&self, kind: RecordKind, filter: &Filter) -> Result<Vec<Row>, StoreError> {
        let query = row_reads::list(kind, filter);
        let list = move |connection: &_| row_reads::listed(connection, &query);
        let listed = self.readers.submit(format!("list {kind} records"), list).await?;
        listed.into_iter().map(|row| row.open(kind, &self.envelope)).collect()
    }

    async fn find_claim(&self, name: &str) -> Result<Option<Claim>, StoreError> {
        let what = format!("read who holds {name}");
        let name = name.to_owned();
        self.readers.submit(what, move |connection| claims::find(connection, &name)).await
    }

    async fn list_claims(&self) -> Result<Vec<Claim>, StoreError> {
        self.readers.submit("list claims".to_owned(), claims::list).await
    }

    async fn capacity(&self, store: Uuid) -> Result<Capacity, StoreError> {
        let what = format!("read the promises on store {store}");
        self.readers.submit(what, move |connection| capacity::find(connection, store)).await
    }

    async fn reservations(&self, store: Uuid) -> Result<Vec<(Uuid, u64)>, StoreError> {
        let what = format!("list the promises on store {store}");
        self.readers.submit(what, move |connection| capacity::list(connection, store)).await
    }

    async fn find_operation(&self, uuid: Uuid) -> Result<Option<Operation>, StoreError> {
        let what = format!("read operation {uuid}");
        let find = move |connection: &_| operations::find(connection, uuid);
        self.readers.submit(what, find).await?.map(KeptOperation::open).transpose()
    }

    async fn unfinished_operations(&self) -> Result<Vec<Operation>, StoreError> {
        let what = "list unfinished operations".to_owned();
        let listed = self.readers.submit(what, operations::unfinished).await?;
        listed.into_iter().map(KeptOperation::open).collect()
    }

    async fn list_operations(
        &self,
        filter: &OperationFilter,
    ) -> Result<Vec<Operation>, StoreError> {
        let query = operations::list(filter);
        let list = move |connection: &_| operations::listed(connection, &query);
        let listed = self.readers.submit("list operations".to_owned(), list).await?;
        listed.into_iter().map(KeptOperation::open).collect()
    }

    async fn list_events(&self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        let query = events::list(filter);
        let list = move |connection: &_| events::listed(connection, &query);
        self.readers.submit("list events".to_owned(), list).await
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    async fn raise_epoch_above(&self, other: u64) -> Result<u64, StoreError> {
        if other >= LARGEST_NUMBER - 1 {
            return Err(StoreError::InvalidAddress {
                what: format!("raise the epoch above {other}"),
                reason: "no epoch is that high: whoever wrote it is not a storage-host".to_owned(),
            });
        }
        let what = format!("raise the epoch above {other}");
        let raise = move |connection: &_| meta::raise_epoch(connection, other);
        let epoch = self.writer.submit(what, raise).await?;
        // Not before the disk has it: an epoch that a crash takes back could be had twice.
        self.epoch.fetch_max(epoch, Ordering::Relaxed);
        Ok(epoch)
    }
}
