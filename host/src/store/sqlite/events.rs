//! The table `events`.
//!
//! **Invariant:** their numbers have no gap and are in the order of the commits: a number is taken
//! inside the transaction, so what is undone gives it back.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{
    columns::{Id, LARGEST_NUMBER, number, word, word_or_null},
    query::Query,
    transact::{Outcome, Transaction},
};
use crate::{
    model::{Event, EventLevel, NewEvent, RecordKind},
    store::EventFilter,
};

const RECORD: &str = "INSERT INTO events
    (number, at_us, level, event_type, object_kind, object_uuid, account, operation_uuid,
     description)
    SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM events";
const LIST: &str = "SELECT number, at_us, level, event_type, object_kind, object_uuid, account,
    operation_uuid, description FROM events WHERE number > ";

/// See [`Change::Event`](crate::store::Change::Event).
pub(super) fn record(now: &Transaction<'_>, event: &NewEvent) -> Outcome {
    now.execute(
        RECORD,
        params![
            now.now_us,
            event.level.as_str(),
            event.event_type,
            event.object.map(|(kind, _)| kind.as_str()),
            event.object.map(|(_, uuid)| Id::from(uuid)),
            event.account,
            event.operation.map(Id::from),
            event.description
        ],
    )?;
    Ok(())
}

/// Events, the newest first.
pub(super) fn list(filter: &EventFilter) -> Query {
    let mut query = Query::new(LIST);
    query.bind(i64::try_from(filter.after.min(LARGEST_NUMBER)).unwrap_or(i64::MAX));
    query.and_uuid("object_uuid", filter.object);
    query.push(" ORDER BY number DESC");
    query.limit(filter.limit);
    query
}

/// The events of a list.
pub(super) fn listed(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Event>> {
    query.rows(connection, read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    let parse_uuid = |text: &str| Uuid::try_parse(text).ok();
    let kind = word_or_null(row, 4, RecordKind::parse)?;
    let object = word_or_null(row, 5, parse_uuid)?;
    let event = NewEvent {
        level: word(row, 2, EventLevel::parse)?,
        event_type: row.get(3)?,
        object: kind.zip(object),
        account: row.get(6)?,
        operation: word_or_null(row, 7, parse_uuid)?,
        description: row.get(8)?,
    };
    Ok(Event { number: number(row, 0)?, at_us: row.get(1)?, event })
}
