//! A transaction: a list of changes in one submission to the writer.
//!
//! What it is not: what each change does; the file of its table has that.
//!
//! **Invariant:** what needs no database is done before the writer: bodies are sealed and JSON is
//! written. The writer's thread is the one thing that all callers share.

use std::sync::{Arc, atomic::Ordering};

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::{
    SqliteRepository, capacity, claims, events, operations::OperationColumns, rows,
    rows::RowColumns, writer::Halt,
};
use crate::store::{Cause, Change, Refused, StoreError, time::now_us};

/// How a change went.
pub(super) type Outcome = Result<(), Halt<Refused>>;
/// A change that is ready for the writer.
type Step = Box<dyn Fn(&Transaction<'_>) -> Outcome + Send>;

/// Where and when changes are made.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    /// The time of the commit.
    pub(super) now_us: i64,
    /// The epoch of this host.
    pub(super) epoch: u64,
}

impl Transaction<'_> {
    /// Changes rows, and says how many.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    /// Reads a row, if there is one.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, map).optional()
    }
}

impl SqliteRepository {
    /// See [`RecordRepository::transact`](crate::store::RecordRepository::transact).
    pub(super) async fn make(&self, changes: Vec<Change>) -> Result<(), Refused> {
        let what = what(&changes);
        let steps: Vec<_> =
            changes.into_iter().map(|change| self.prepare(change)).collect::<Result<_, _>>()?;
        let epoch = Arc::clone(&self.epoch);
        let work = move |connection: &Connection| {
            let epoch = epoch.load(Ordering::Relaxed);
            let transaction = Transaction { connection, now_us: now_us(), epoch };
            steps.iter().try_for_each(|step| step(&transaction))
        };
        self.writer.submit_or_refuse(what, work).await
    }

    fn prepare(&self, change: Change) -> Result<Step, StoreError> {
        Ok(match change {
            Change::Insert(row) => {
                let row = RowColumns::new(row, &self.envelope)?;
                Box::new(move |now| row.insert(now))
            }
            Change::Update(row) => {
                let row = RowColumns::new(row, &self.envelope)?;
                Box::new(move |now| row.update(now))
            }
            Change::Remove(kind, uuid) => Box::new(move |now| rows::remove(now, kind, uuid)),
            Change::Forget(kind, uuid) => Box::new(move |now| rows::forget(now, kind, uuid)),
            Change::Expect { kind, uuid, states } => {
                Box::new(move |now| rows::expect(now, kind, uuid, &states))
            }
            Change::ExpectNone { kind, owner } => {
                Box::new(move |now| rows::expect_none(now, kind, owner))
            }
            Change::ExpectNoneNamed { kind, name, within, but } => {
                Box::new(move |now| rows::expect_none_named(now, kind, &name, within, but))
            }
            Change::ExpectUnused(uuid) => Box::new(move |now| claims::expect_unused(now, uuid)),
            Change::Claim { name, holder } => {
                Box::new(move |now| claims::claim(now, &name, holder))
            }
            Change::Unclaim { name, holder } => {
                Box::new(move |now| claims::unclaim(now, &name, holder))
            }
            Change::SetLimit { store, bytes } => {
                Box::new(move |now| capacity::set_limit(now, store, bytes))
            }
            Change::Reserve { store, owner, bytes } => {
                Box::new(move |now| capacity::reserve(now, store, owner, bytes))
            }
            Change::Unreserve { store, owner } => {
                Box::new(move |now| capacity::unreserve(now, store, owner))
            }
            Change::Begin(operation) => {
                let columns = OperationColumns::new(operation)?;
                Box::new(move |now| columns.begin(now))
            }
            Change::Journal(operation) => {
                let columns = OperationColumns::new(operation)?;
                Box::new(move |now| columns.journal(now))
            }
            Change::Event(event) => Box::new(move |now| events::record(now, &event)),
        })
    }
}

/// A value could not be written as JSON.
pub(super) fn not_json(what: String, error: impl Into<String>) -> StoreError {
    let error: Box<dyn std::error::Error + Send + Sync> = error.into().into();
    StoreError::Write { what, source: Cause::from(error) }
}

/// What a list of changes is to do, for an error: the first of them stands for all.
fn what(changes: &[Change]) -> String {
    let first = match changes.first() {
        None => return "make no change".to_owned(),
        Some(Change::Insert(row)) => format!("keep {} {}", row.kind, row.uuid),
        Some(Change::Update(row)) => format!("change {} {}", row.kind, row.uuid),
        Some(Change::Remove(kind, uuid)) => format!("remove {kind} {uuid}"),
        Some(Change::Forget(kind, uuid)) => format!("forget {kind} {uuid}"),
        Some(Change::Expect { kind, uuid, .. }) => format!("look at {kind} {uuid}"),
        Some(Change::ExpectNone { kind, owner }) => format!("look for a {kind} of {owner}"),
        Some(Change::ExpectNoneNamed { kind, name, .. }) => format!("look for a {kind} {name:?}"),
        Some(Change::ExpectUnused(uuid)) => format!("look for users of {uuid}"),
        Some(Change::Claim { name, .. }) => format!("claim {name}"),
        Some(Change::Unclaim { name, .. }) => format!("give {name} back"),
        Some(Change::SetLimit { store, .. }) => format!("limit the promises on store {store}"),
        Some(Change::Reserve { store, .. } | Change::Unreserve { store, .. }) => {
            format!("change a promise on store {store}")
        }
        Some(Change::Begin(operation)) => format!("begin operation {}", operation.uuid),
        Some(Change::Journal(operation)) => format!("journal operation {}", operation.uuid),
        Some(Change::Event(event)) => format!("record event {}", event.event_type),
    };
    match changes.len() {
        1 => first,
        all => format!("{first} and make {} more changes", all - 1),
    }
}
