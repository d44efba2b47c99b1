//! The tables `capacities` and `reservations`: what is promised on a store, and to whom.
//!
//! **Invariant:** `reserved_bytes` of a store is the sum of its reservations, exactly; so it is
//! asked for without adding them up.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    columns::{Id, LARGEST_NUMBER, Number, number, uuid},
    transact::{Outcome, Transaction},
    writer::Halt,
};
use crate::store::{Capacity, Refused};

const SET_LIMIT: &str = "INSERT INTO capacities (store_uuid, limit_bytes, reserved_bytes)
    VALUES ($1, $2, 0)
    ON CONFLICT (store_uuid) DO UPDATE SET limit_bytes = excluded.limit_bytes";
const PROMISED: &str = "SELECT limit_bytes, reserved_bytes,
    (SELECT bytes FROM reservations WHERE store_uuid = $1 AND owner_uuid = $2)
    FROM capacities WHERE store_uuid = $1";
const RESERVE: &str = "INSERT INTO reservations (store_uuid, owner_uuid, bytes)
    VALUES ($1, $2, $3)
    ON CONFLICT (store_uuid, owner_uuid) DO UPDATE SET bytes = excluded.bytes";
const SET_RESERVED: &str = "INSERT INTO capacities (store_uuid, reserved_bytes) VALUES ($1, $2)
    ON CONFLICT (store_uuid) DO UPDATE SET reserved_bytes = excluded.reserved_bytes";
const UNRESERVE: &str = "DELETE FROM reservations WHERE store_uuid = $1 AND owner_uuid = $2
    RETURNING bytes";
const LESSEN: &str =
    "UPDATE capacities SET reserved_bytes = reserved_bytes - $1 WHERE store_uuid = $2";
const FIND: &str = "SELECT limit_bytes, reserved_bytes FROM capacities WHERE store_uuid = $1";
const LIST: &str = "SELECT owner_uuid, bytes FROM reservations WHERE store_uuid = $1
    ORDER BY owner_uuid";

/// See [`Change::SetLimit`](crate::store::Change::SetLimit).
pub(super) fn set_limit(now: &Transaction<'_>, store: Uuid, bytes: u64) -> Outcome {
    // A store of 8 EiB is as good as one without an end.
    let bytes = Number(bytes.min(LARGEST_NUMBER));
    now.execute(SET_LIMIT, params![Id::from(store), bytes])?;
    Ok(())
}

/// See [`Change::Reserve`](crate::store::Change::Reserve).
pub(super) fn reserve(now: &Transaction<'_>, store: Uuid, owner: Uuid, bytes: u64) -> Outcome {
    let (store_id, owner_id) = (Id::from(store), Id::from(owner));
    let (limit, reserved, before) = now
        .find(PROMISED, params![store_id, owner_id], |row| {
            let before: Option<i64> = row.get(2)?;
            Ok((limit(row)?, number(row, 1)?, before.map(i64::unsigned_abs)))
        })?
        .unwrap_or((None, 0, None));
    if before == Some(bytes) {
        return Ok(());
    }
    let before = before.unwrap_or_default();
    // All that is promised to others, and what the owner shall have.
    let after = reserved.saturating_sub(before).saturating_add(bytes);
    // Without a limit the sum still has to be a number.
    let limit = limit.unwrap_or(LARGEST_NUMBER);
    if bytes > before && after > limit {
        let free = limit.saturating_sub(reserved);
        let wanted = bytes - before;
        return Err(Halt::Refused(Refused::NoRoom { store, free, wanted }));
    }
    now.execute(RESERVE, params![store_id, owner_id, Number(bytes)])?;
    now.execute(SET_RESERVED, params![store_id, Number(after)])?;
    Ok(())
}

/// See [`Change::Unreserve`](crate::store::Change::Unreserve).
pub(super) fn unreserve(now: &Transaction<'_>, store: Uuid, owner: Uuid) -> Outcome {
    let store = Id::from(store);
    let bytes = now.find(UNRESERVE, params![store, Id::from(owner)], |row| row.get::<_, i64>(0))?;
    if let Some(bytes) = bytes {
        now.execute(LESSEN, params![bytes, store])?;
    }
    Ok(())
}

/// The promises on a store.
pub(super) fn find(connection: &Connection, store: Uuid) -> rusqlite::Result<Capacity> {
    let capacity = connection
        .prepare_cached(FIND)?
        .query_row([Id::from(store)], |row| {
            Ok(Capacity { limit: limit(row)?, reserved: number(row, 1)? })
        })
        .optional()?;
    Ok(capacity.unwrap_or_default())
}

/// Each owner's promise on a store.
pub(super) fn list(connection: &Connection, store: Uuid) -> rusqlite::Result<Vec<(Uuid, u64)>> {
    connection
        .prepare_cached(LIST)?
        .query_map([Id::from(store)], |row| Ok((uuid(row, 0)?, number(row, 1)?)))?
        .collect()
}

fn limit(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<u64>> {
    let limit: Option<i64> = row.get(0)?;
    Ok(limit.map(i64::unsigned_abs))
}
