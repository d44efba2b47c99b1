//! The table `records`: how it is read.
//!
//! What it is not: what a record means; its JSON is moved as it is.
//!
//! **Invariant:** a body is opened after it left the reader, and at no other record than the one it
//! was sealed for.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use zeroize::Zeroize;

use super::{
    columns::{Id, Number, number, uuid},
    query::Query,
    rows::place,
};
use crate::{
    model::RecordKind,
    store::{
        Filter, Key, Row, StoreError,
        secrets::{Envelope, SealFault},
    },
};

const BY_UUID: &str = "SELECT uuid, id, version, created_at_us, updated_at_us, removed_at_us, body,
    body_encrypted FROM records WHERE kind = $1 AND uuid = $2";
const BY_ID: &str = "SELECT uuid, id, version, created_at_us, updated_at_us, removed_at_us, body,
    body_encrypted FROM records WHERE kind = $1 AND id = $2";
const LIST: &str = "SELECT uuid, id, version, created_at_us, updated_at_us, removed_at_us, body,
    body_encrypted FROM records WHERE kind = ";

/// A record on its way out, as it is kept.
pub(super) struct KeptRow {
    row: Row,
    sealed: Option<Vec<u8>>,
}

impl KeptRow {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let sealed: Option<Vec<u8>> = row.get(7)?;
        let row = Row {
            uuid: uuid(row, 0)?,
            id: number(row, 1)?,
            version: number(row, 2)?,
            created_us: row.get(3)?,
            updated_us: row.get(4)?,
            removed_us: row.get(5)?,
            body: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        };
        Ok(Self { row, sealed })
    }

    /// Opens the body where it is sealed.
    pub(super) fn open(self, kind: RecordKind, envelope: &Envelope) -> Result<Row, StoreError> {
        let Self { mut row, sealed } = self;
        let Some(sealed) = sealed else {
            return Ok(row);
        };
        let uuid = row.uuid.to_string();
        let unreadable =
            |reason| StoreError::Unreadable { what: format!("read {kind} {uuid}"), reason };
        let mut bytes =
            envelope.open(&place(kind, &uuid), &sealed).map_err(|fault| match fault {
                SealFault::OtherKey(_) => unreadable("was sealed with another key"),
                SealFault::Broken => unreadable("was changed or moved from another place"),
            })?;
        // The text is moved, so that no copy of it stays behind.
        row.body = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
            error.into_bytes().zeroize();
            unreadable("is no text")
        })?;
        Ok(row)
    }
}

/// A record, also one that was removed.
pub(super) fn find(
    connection: &Connection,
    kind: RecordKind,
    key: &Key,
) -> rusqlite::Result<Option<KeptRow>> {
    match *key {
        Key::Uuid(uuid) => connection
            .prepare_cached(BY_UUID)?
            .query_row(params![kind.as_str(), Id::from(uuid)], KeptRow::read),
        Key::Id(id) => connection
            .prepare_cached(BY_ID)?
            .query_row(params![kind.as_str(), Number(id)], KeptRow::read),
    }
    .optional()
}

/// Records, in the order of their numbers.
pub(super) fn list(kind: RecordKind, filter: &Filter) -> Query {
    let mut query = Query::new(LIST);
    query.bind(kind.as_str().to_owned());
    query.and("name", filter.name.clone());
    query.and_uuid("owner_uuid", filter.owner);
    query.and_uuid("zone_uuid", filter.zone);
    query.and_one_of("state", &filter.states);
    if !filter.removed {
        query.push(" AND removed_at_us IS NULL");
    }
    query.push(" ORDER BY id");
    query
}

/// The rows of a list.
pub(super) fn listed(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<KeptRow>> {
    query.rows(connection, KeptRow::read)
}
