//! The table `meta`: single records of the installation, used while the store is opened.
//!
//! What it is not: a place for settings.
//!
//! **Invariant:** a record is added once and never changed; the epoch alone changes, and only
//! rises.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::{columns::LARGEST_NUMBER, connection::database_error};
use crate::store::{
    InstallationId, OpenError,
    schema::meta::{EPOCH, INSTALLATION_ID},
};

const GET: &str = "SELECT value FROM meta WHERE name = $1";
const SET: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// A record.
pub(super) fn get(
    connection: &Connection,
    name: &str,
    path: &Path,
) -> Result<Option<String>, OpenError> {
    connection
        .query_row(GET, [name], |row| row.get(0))
        .optional()
        .map_err(database_error("read", path))
}

/// Adds a record, durably.
pub(super) fn add(
    connection: &Connection,
    name: &str,
    value: &str,
    path: &Path,
) -> Result<(), OpenError> {
    connection
        .execute("INSERT INTO meta (name, value) VALUES ($1, $2)", params![name, value])
        .map(|_| ())
        .map_err(database_error("write", path))
}

/// The installation id; it is made when the database has none.
pub(super) fn installation_id(
    connection: &Connection,
    path: &Path,
) -> Result<InstallationId, OpenError> {
    if let Some(text) = get(connection, INSTALLATION_ID, path)? {
        return InstallationId::parse(&text).ok_or_else(|| OpenError::DamagedRecord {
            path: path.to_owned(),
            name: INSTALLATION_ID,
        });
    }
    let bits =
        getrandom::u64().map_err(|error| OpenError::NoRandomness { source: Arc::new(error) })?;
    let id = InstallationId::from_random(bits);
    add(connection, INSTALLATION_ID, id.as_str(), path)?;
    log::info!("created database {path:?} for installation {id}");
    Ok(id)
}

/// Begins the next epoch, durably, and says which it is.
pub(super) fn next_epoch(connection: &Connection, path: &Path) -> Result<u64, OpenError> {
    let last = match get(connection, EPOCH, path)? {
        Some(text) => parse_epoch(&text)
            .ok_or_else(|| OpenError::DamagedRecord { path: path.to_owned(), name: EPOCH })?,
        None => 0,
    };
    let epoch = last + 1;
    set_epoch(connection, epoch).map_err(database_error("write", path))?;
    Ok(epoch)
}

/// Raises the epoch above another, inside a transaction, and says which it is now.
pub(super) fn raise_epoch(connection: &Connection, other: u64) -> rusqlite::Result<u64> {
    let kept = connection
        .query_row(GET, [EPOCH], |row| row.get::<_, String>(0))
        .optional()?
        .and_then(|text| parse_epoch(&text))
        .unwrap_or_default();
    if kept > other {
        return Ok(kept);
    }
    let epoch = other.saturating_add(1);
    set_epoch(connection, epoch)?;
    Ok(epoch)
}

fn set_epoch(connection: &Connection, epoch: u64) -> rusqlite::Result<()> {
    connection.execute(SET, params![EPOCH, epoch.to_string()]).map(|_| ())
}

/// An epoch that has a next one.
fn parse_epoch(text: &str) -> Option<u64> {
    text.parse().ok().filter(|epoch| *epoch < LARGEST_NUMBER)
}
