//! The table `records`: how it is changed.
//!
//! What it is not: how it is read (`row_reads`), nor what a record means; its JSON is moved as it
//! is.
//!
//! **Invariants:** what reaches the writer is sealed already. A row that was removed changes no
//! more.

use rusqlite::params;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    columns::{Id, Number, number, uuid as uuid_at},
    transact::{Outcome, Transaction, not_json},
    writer::Halt,
};
use crate::{
    model::{Index, RecordKind},
    store::{NewRow, Refused, StoreError, secrets::Envelope},
};

const NEXT_ID: &str = "INSERT INTO record_ids (kind, last) VALUES ($1, 1)
    ON CONFLICT (kind) DO UPDATE SET last = record_ids.last + 1 RETURNING last";
const INSERT: &str = "INSERT INTO records
    (kind, uuid, id, version, name, state, owner_uuid, zone_uuid, body, body_encrypted,
     created_at_us, updated_at_us)
    VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $10)
    ON CONFLICT (kind, uuid) DO NOTHING";
const UPDATE: &str = "UPDATE records
    SET version = version + 1, name = $1, state = $2, owner_uuid = $3, zone_uuid = $4, body = $5,
        body_encrypted = $6, updated_at_us = $7
    WHERE kind = $8 AND uuid = $9 AND version = $10 AND removed_at_us IS NULL";
const REMOVE: &str = "UPDATE records
    SET version = version + 1, removed_at_us = $1, updated_at_us = $1
    WHERE kind = $2 AND uuid = $3 AND removed_at_us IS NULL";
const FORGET: &str = "DELETE FROM records WHERE kind = $1 AND uuid = $2";
const STATE: &str =
    "SELECT state FROM records WHERE kind = $1 AND uuid = $2 AND removed_at_us IS NULL";
const COUNT: &str = "SELECT COUNT(*) FROM records
    WHERE kind = $1 AND owner_uuid = $2 AND removed_at_us IS NULL";
const NAMED: &str = "SELECT uuid FROM records
    WHERE kind = $1 AND name = $2 AND removed_at_us IS NULL AND uuid <> $3
        AND ($4 IS NULL OR owner_uuid = $4 OR zone_uuid = $4) LIMIT 1";

/// A record on its way in, ready for the writer.
pub(super) struct RowColumns {
    kind: RecordKind,
    uuid: Uuid,
    version: u64,
    index: Index,
    body: Option<String>,
    body_encrypted: Option<Vec<u8>>,
}

impl RowColumns {
    /// Seals the body of a record that may hold secrets.
    pub(super) fn new(row: NewRow, envelope: &Envelope) -> Result<Self, StoreError> {
        let NewRow { kind, uuid, version, index, sealed, body } = row;
        let what = || format!("keep {kind} {uuid}");
        let body = body.map_err(|error| not_json(what(), error))?;
        let (body, body_encrypted) = if sealed {
            let body = Zeroizing::new(body);
            let sealed = envelope
                .seal(&place(kind, &uuid.to_string()), body.as_bytes())
                .map_err(|source| StoreError::Write { what: what(), source })?;
            (None, Some(sealed))
        } else {
            (Some(body), None)
        };
        Ok(Self { kind, uuid, version, index, body, body_encrypted })
    }

    /// See [`Change::Insert`](crate::store::Change::Insert).
    pub(super) fn insert(&self, now: &Transaction<'_>) -> Outcome {
        let &Self { kind, uuid, .. } = self;
        let id = now.find(NEXT_ID, [kind.as_str()], |row| row.get::<_, i64>(0))?;
        let Index { name, state, owner, zone } = &self.index;
        let inserted = now.execute(
            INSERT,
            params![
                kind.as_str(),
                Id::from(uuid),
                id,
                name,
                state,
                owner.map(Id::from),
                zone.map(Id::from),
                self.body,
                self.body_encrypted,
                now.now_us
            ],
        )?;
        match inserted {
            0 => Err(Halt::Refused(Refused::Exists { kind, uuid })),
            _ => Ok(()),
        }
    }

    /// See [`Change::Update`](crate::store::Change::Update).
    pub(super) fn update(&self, now: &Transaction<'_>) -> Outcome {
        let &Self { kind, uuid, .. } = self;
        let Index { name, state, owner, zone } = &self.index;
        let updated = now.execute(
            UPDATE,
            params![
                name,
                state,
                owner.map(Id::from),
                zone.map(Id::from),
                self.body,
                self.body_encrypted,
                now.now_us,
                kind.as_str(),
                Id::from(uuid),
                Number(self.version)
            ],
        )?;
        if updated != 0 {
            return Ok(());
        }
        Err(Halt::Refused(match state_of(now, kind, uuid)? {
            Some(_) => Refused::Changed { kind, uuid },
            None => Refused::Missing { kind, uuid },
        }))
    }
}

/// See [`Change::Remove`](crate::store::Change::Remove).
pub(super) fn remove(now: &Transaction<'_>, kind: RecordKind, uuid: Uuid) -> Outcome {
    now.execute(REMOVE, params![now.now_us, kind.as_str(), Id::from(uuid)])?;
    Ok(())
}

/// See [`Change::Forget`](crate::store::Change::Forget).
pub(super) fn forget(now: &Transaction<'_>, kind: RecordKind, uuid: Uuid) -> Outcome {
    now.execute(FORGET, params![kind.as_str(), Id::from(uuid)])?;
    Ok(())
}

/// See [`Change::Expect`](crate::store::Change::Expect).
pub(super) fn expect(
    now: &Transaction<'_>,
    kind: RecordKind,
    uuid: Uuid,
    wanted: &[&'static str],
) -> Outcome {
    match state_of(now, kind, uuid)? {
        None => Err(Halt::Refused(Refused::Missing { kind, uuid })),
        Some(state) if wanted.is_empty() || wanted.contains(&state.as_str()) => Ok(()),
        Some(state) => {
            let wanted = wanted.to_vec();
            Err(Halt::Refused(Refused::State { kind, uuid, state, wanted }))
        }
    }
}

/// See [`Change::ExpectNone`](crate::store::Change::ExpectNone).
pub(super) fn expect_none(now: &Transaction<'_>, kind: RecordKind, owner: Uuid) -> Outcome {
    let params = params![kind.as_str(), Id::from(owner)];
    match now.find(COUNT, params, |row| number(row, 0))? {
        None | Some(0) => Ok(()),
        Some(count) => Err(Halt::Refused(Refused::Occupied { kind, owner, count })),
    }
}

/// See [`Change::ExpectNoneNamed`](crate::store::Change::ExpectNoneNamed).
pub(super) fn expect_none_named(
    now: &Transaction<'_>,
    kind: RecordKind,
    name: &str,
    within: Option<Uuid>,
    but: Uuid,
) -> Outcome {
    let params = params![kind.as_str(), name, Id::from(but), within.map(Id::from)];
    match now.find(NAMED, params, |row| uuid_at(row, 0))? {
        None => Ok(()),
        Some(by) => Err(Halt::Refused(Refused::Named { kind, name: name.to_owned(), by })),
    }
}

/// The state of a record that was not removed.
fn state_of(
    now: &Transaction<'_>,
    kind: RecordKind,
    uuid: Uuid,
) -> rusqlite::Result<Option<String>> {
    now.find(STATE, params![kind.as_str(), Id::from(uuid)], |row| row.get(0))
}

/// The fields that bind a sealed body to its record.
pub(super) fn place(kind: RecordKind, uuid: &str) -> [&str; 3] {
    ["records", kind.as_str(), uuid]
}
