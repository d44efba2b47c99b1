//! The table `operations`.
//!
//! What it is not: the machine that runs them (`jobs`).
//!
//! **Invariant:** an operation is written by the host of the highest epoch that has it, or not at
//! all. Its JSON is written before the writer and read after the reader.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    claims,
    columns::{Id, Number, number, uuid, word, word_or_null},
    query::Query,
    transact::{Outcome, Transaction, not_json},
    writer::Halt,
};
use crate::{
    model::{Caller, Journal, Operation, Phase, RecordKind},
    store::{OperationFilter, Refused, StoreError},
};

// The parameters come in one order in both: SQLite counts them as they appear.
const BEGIN: &str = "INSERT INTO operations
    (flow, flow_version, state, position, phase, attempt, failure, waiting_for, cancel_requested,
     caller, command, object_kind, object_uuid, journal, epoch, created_at_us, updated_at_us, uuid)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)
    ON CONFLICT (uuid) DO NOTHING";
const JOURNAL: &str = "UPDATE operations
    SET flow = $1, flow_version = $2, state = $3, position = $4, phase = $5, attempt = $6,
        failure = $7, waiting_for = $8, cancel_requested = $9, caller = $10, command = $11,
        object_kind = $12, object_uuid = $13, journal = $14, epoch = $15, updated_at_us = $16
    WHERE uuid = $17 AND epoch <= $15";
const EPOCH: &str = "SELECT epoch FROM operations WHERE uuid = $1";
/// The columns, in the order of [`KeptOperation::read`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT uuid, flow, flow_version, state, position, phase, attempt, failure,
            waiting_for, cancel_requested, caller, command, object_kind, object_uuid, journal,
            epoch, created_at_us, updated_at_us FROM operations WHERE ",
            $rest
        )
    };
}
const FIND: &str = select!("uuid = $1");
const UNFINISHED: &str = select!("phase IN ('running', 'undoing') ORDER BY created_at_us, uuid");
const LIST: &str = select!("TRUE");

/// An operation on its way in, ready for the writer.
pub(super) struct OperationColumns {
    operation: Box<Operation>,
    failure: Option<String>,
    caller: String,
    journal: String,
}

impl OperationColumns {
    /// Writes its JSON.
    pub(super) fn new(operation: Box<Operation>) -> Result<Self, StoreError> {
        let uuid = operation.uuid;
        let failure = operation.failure.as_ref().map(|one| to_json(uuid, one)).transpose()?;
        let caller = to_json(uuid, &operation.caller)?;
        let journal = to_json(uuid, &operation.journal)?;
        Ok(Self { operation, failure, caller, journal })
    }

    /// See [`Change::Begin`](crate::store::Change::Begin).
    pub(super) fn begin(&self, now: &Transaction<'_>) -> Outcome {
        match self.execute(now, BEGIN)? {
            0 => Err(Halt::Refused(Refused::Begun { operation: self.operation.uuid })),
            _ => Ok(()),
        }
    }

    /// See [`Change::Journal`](crate::store::Change::Journal).
    pub(super) fn journal(&self, now: &Transaction<'_>) -> Outcome {
        if self.execute(now, JOURNAL)? != 0 {
            return match self.operation.phase.is_final() {
                true => claims::rest(now, self.operation.uuid),
                false => Ok(()),
            };
        }
        let operation = self.operation.uuid;
        let epoch = now.find(EPOCH, [Id::from(operation)], |row| number(row, 0))?;
        Err(Halt::Refused(match epoch {
            Some(epoch) => Refused::TakenOver { operation, epoch },
            None => Refused::NotBegun { operation },
        }))
    }

    fn execute(&self, now: &Transaction<'_>, sql: &str) -> rusqlite::Result<usize> {
        let one = &*self.operation;
        now.execute(
            sql,
            params![
                one.flow,
                one.flow_version,
                one.state,
                one.position,
                one.phase.as_str(),
                one.attempt,
                self.failure,
                one.waiting_for,
                one.cancel_requested,
                self.caller,
                one.command,
                one.object.map(|(kind, _)| kind.as_str()),
                one.object.map(|(_, uuid)| Id::from(uuid)),
                self.journal,
                Number(one.epoch),
                now.now_us,
                Id::from(one.uuid)
            ],
        )
    }
}

/// An operation on its way out, as it is kept.
pub(super) struct KeptOperation {
    /// With everything but the JSON.
    operation: Operation,
    failure: Option<String>,
    caller: String,
    journal: String,
}

impl KeptOperation {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind = word_or_null(row, 12, RecordKind::parse)?;
        let object = word_or_null(row, 13, |text| Uuid::try_parse(text).ok())?;
        let operation = Operation {
            uuid: uuid(row, 0)?,
            flow: row.get(1)?,
            flow_version: row.get(2)?,
            state: row.get(3)?,
            position: row.get(4)?,
            phase: word(row, 5, Phase::parse)?,
            attempt: row.get(6)?,
            failure: None,
            waiting_for: row.get(8)?,
            cancel_requested: row.get(9)?,
            caller: Caller { account: String::new(), user: Uuid::nil(), token: None },
            command: row.get(11)?,
            object: kind.zip(object),
            journal: Journal::default(),
            epoch: number(row, 15)?,
            created_us: row.get(16)?,
            updated_us: row.get(17)?,
        };
        Ok(Self { operation, failure: row.get(7)?, caller: row.get(10)?, journal: row.get(14)? })
    }

    /// Reads its JSON.
    pub(super) fn open(self) -> Result<Operation, StoreError> {
        let Self { mut operation, failure, caller, journal } = self;
        let uuid = operation.uuid;
        operation.failure = failure.map(|failure| from_json(uuid, &failure)).transpose()?;
        operation.caller = from_json(uuid, &caller)?;
        operation.journal = from_json(uuid, &journal)?;
        Ok(operation)
    }
}

/// An operation.
pub(super) fn find(connection: &Connection, uuid: Uuid) -> rusqlite::Result<Option<KeptOperation>> {
    connection.prepare_cached(FIND)?.query_row([Id::from(uuid)], KeptOperation::read).optional()
}

/// Every operation that does not rest, the oldest first.
pub(super) fn unfinished(connection: &Connection) -> rusqlite::Result<Vec<KeptOperation>> {
    connection.prepare_cached(UNFINISHED)?.query_map([], KeptOperation::read)?.collect()
}

/// Operations, the newest first.
pub(super) fn list(filter: &OperationFilter) -> Query {
    let mut query = Query::new(LIST);
    query.and_uuid("object_uuid", filter.object);
    let phases: Vec<_> = filter.phases.iter().map(|phase| phase.as_str()).collect();
    query.and_one_of("phase", &phases);
    query.push(" ORDER BY created_at_us DESC, uuid DESC");
    query.limit(filter.limit);
    query
}

/// The operations of a list.
pub(super) fn listed(
    connection: &Connection,
    query: &Query,
) -> rusqlite::Result<Vec<KeptOperation>> {
    query.rows(connection, KeptOperation::read)
}

fn to_json(uuid: Uuid, value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| not_json(format!("keep operation {uuid}"), error.to_string()))
}

fn from_json<T: DeserializeOwned>(uuid: Uuid, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        log::error!("operation {uuid} cannot be read: {error}");
        StoreError::Unreadable {
            what: format!("read operation {uuid}"),
            reason: "is of a form that this host does not know",
        }
    })
}
