//! A record on its way to and from an engine: what an engine sees of it.

use super::StoreError;
use crate::model::{Index, Record, RecordKind, Stored};
use uuid::Uuid;

/// A record on its way into an engine.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// What kind of thing.
    pub(super) kind: RecordKind,
    /// Which.
    pub(super) uuid: Uuid,
    /// The version it was read with; 0 of a new one.
    pub(super) version: u64,
    /// What can be searched by.
    pub(super) index: Index,
    /// Whether the engine has to seal the body.
    pub(super) sealed: bool,
    /// The record, as JSON; what serde says where it could not be written.
    pub(super) body: Result<String, String>,
}

/// A record on its way out of an engine.
#[derive(Debug, Clone)]
pub struct Row {
    pub(super) uuid: Uuid,
    pub(super) id: u64,
    pub(super) version: u64,
    pub(super) created_us: i64,
    pub(super) updated_us: i64,
    pub(super) removed_us: Option<i64>,
    /// The record, as JSON, opened.
    pub(super) body: String,
}

pub(super) fn to_row<T: Record>(record: &T, version: u64) -> NewRow {
    NewRow {
        kind: T::KIND,
        uuid: record.uuid(),
        version,
        index: record.index(),
        sealed: T::SEALED,
        body: serde_json::to_string(record).map_err(|error| error.to_string()),
    }
}

pub(super) fn from_row<T: Record>(row: Row) -> Result<Stored<T>, StoreError> {
    let record = serde_json::from_str(&row.body).map_err(|error| {
        log::error!("{} {} cannot be read: {error}", T::KIND, row.uuid);
        StoreError::Unreadable {
            what: format!("read {} {}", T::KIND, row.uuid),
            reason: "is of a form that this host does not know",
        }
    })?;
    let Row { id, version, created_us, updated_us, removed_us, .. } = row;
    Ok(Stored { record, id, version, created_us, updated_us, removed_us })
}
