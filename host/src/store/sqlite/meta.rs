//! The table `meta`: single records of the installation, used while the store is opened.
//!
//! What it is not: a place for settings.
//!
//! **Invariant:** a record is added once and never changed.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::database_error;
use crate::store::{InstallationId, OpenError, schema::meta::INSTALLATION_ID};

/// A record.
pub(super) fn get(
    connection: &Connection,
    name: &str,
    path: &Path,
) -> Result<Option<String>, OpenError> {
    connection
        .query_row("SELECT value FROM meta WHERE name = $1", [name], |row| row.get(0))
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
