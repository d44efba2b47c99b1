//! A record on its way to and from an engine: what an engine sees of it.
//!
//! **Invariant:** a body is in no `Debug` and no log: it may hold secrets, sealed or not yet.

use super::StoreError;
use crate::model::{Index, Record, RecordKind, Stored};
use std::fmt;
use uuid::Uuid;

/// A record on its way into an engine.
#[derive(Clone)]
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
#[derive(Clone)]
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

impl Row {
    /// Whether it was not removed.
    pub fn is_there(&self) -> bool {
        self.removed_us.is_none()
    }
}

impl fmt::Debug for NewRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRow")
            .field("kind", &self.kind)
            .field("uuid", &self.uuid)
            .field("version", &self.version)
            .field("index", &self.index)
            .field("sealed", &self.sealed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("uuid", &self.uuid)
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
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
        log::error!("{} {} cannot be read: {}", T::KIND, row.uuid, why::<T>(&error));
        StoreError::Unreadable {
            what: format!("read {} {}", T::KIND, row.uuid),
            reason: "is of a form that this host does not know",
        }
    })?;
    let Row { id, version, created_us, updated_us, removed_us, .. } = row;
    Ok(Stored { record, id, version, created_us, updated_us, removed_us })
}

/// What serde says of a body. Its words may quote the body, so of a sealed one only the place is
/// told.
fn why<T: Record>(error: &serde_json::Error) -> String {
    if T::SEALED {
        format!("{:?} at line {} column {}", error.classify(), error.line(), error.column())
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{StoragePool, Zone};
    use crate::store::Change;

    const BODY: &str = r#"{"name": 5, "zone": "hunter2"}"#;

    #[test]
    fn no_body_is_in_debug() {
        let uuid = Uuid::new_v4();
        let index = Index { name: String::new(), state: "", owner: None, zone: None };
        let new = NewRow {
            kind: RecordKind::StoragePool,
            uuid,
            version: 0,
            index,
            sealed: true,
            body: Ok(BODY.to_owned()),
        };
        let row = Row {
            uuid,
            id: 1,
            version: 1,
            created_us: 0,
            updated_us: 0,
            removed_us: None,
            body: BODY.to_owned(),
        };
        for text in [format!("{row:?}"), format!("{:?}", Change::Insert(new))] {
            assert!(!text.contains("hunter2") && text.contains(&uuid.to_string()), "{text}");
        }
    }

    #[test]
    fn words_of_serde_are_told_of_open_bodies_only() {
        let error = serde_json::from_str::<Uuid>("\"hunter2\"").unwrap_err();
        assert!(!why::<StoragePool>(&error).contains("hunter2"));
        assert_eq!(why::<Zone>(&error), error.to_string());
    }
}
