//! Brings a database up to date, or refuses it: a newer one, another program's, another build's.
//!
//! What it is not: the steps themselves (`schema`).
//!
//! **Invariant:** all missing steps are applied in one transaction, with their record; a refused
//! database is not written to.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::connection::database_error;
use crate::store::{OpenError, schema::Step, time::now_us};

const RECORDS: &str = "CREATE TABLE schema_steps (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at_us BIGINT NOT NULL
)";

/// A step that the database went through.
struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

/// Applies the steps that the database has not gone through.
pub(super) fn migrate(
    connection: &mut Connection,
    steps: &[Step],
    path: &Path,
) -> Result<(), OpenError> {
    let failed = |error| database_error("read the schema version of", path)(error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let applied = match applied(&transaction).map_err(failed)? {
        Some(applied) => applied,
        None if has_tables(&transaction).map_err(failed)? => {
            let path = path.to_owned();
            return Err(OpenError::Foreign { path });
        }
        None => {
            transaction.execute(RECORDS, []).map_err(failed)?;
            Vec::new()
        }
    };
    compare(&applied, steps, path)?;
    apply(&transaction, &applied, steps, path)?;
    transaction.commit().map_err(|error| database_error("write", path)(error))?;
    let (from, to) = (applied.len(), steps.len());
    if from != 0 && from != to {
        log::info!("brought database {path:?} from schema version {from} to {to}");
    }
    Ok(())
}

/// `None` when there is no record of steps at all.
fn applied(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Vec<Applied>>> {
    if !transaction.table_exists(None, "schema_steps")? {
        return Ok(None);
    }
    let mut statement =
        transaction.prepare("SELECT version, name, checksum FROM schema_steps ORDER BY version")?;
    let rows = statement.query_map([], |row| {
        Ok(Applied { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })
    })?;
    rows.collect::<rusqlite::Result<_>>().map(Some)
}

fn has_tables(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    transaction.query_row("SELECT COUNT(*) <> 0 FROM sqlite_master", [], |row| row.get(0))
}

/// Refuses a database that did not go the way of these steps.
fn compare(applied: &[Applied], steps: &[Step], path: &Path) -> Result<(), OpenError> {
    let newest = |versions: Option<u32>| versions.unwrap_or_default();
    let database = newest(applied.last().map(|step| step.version));
    let host = newest(steps.last().map(|step| step.version));
    if database > host {
        let path = path.to_owned();
        return Err(OpenError::Newer { path, database, host });
    }
    let other = applied.iter().zip(steps).find(|(applied, step)| {
        applied.version != step.version || applied.checksum != step.checksum()
    });
    match other {
        Some((applied, _)) => Err(OpenError::OtherSchema {
            path: path.to_owned(),
            version: applied.version,
            name: applied.name.clone(),
        }),
        None => Ok(()),
    }
}

fn apply(
    transaction: &Transaction<'_>,
    applied: &[Applied],
    steps: &[Step],
    path: &Path,
) -> Result<(), OpenError> {
    let from = applied.last().map(|step| step.version).unwrap_or_default();
    let to = steps.last().map(|step| step.version).unwrap_or_default();
    for step in steps.iter().skip(applied.len()) {
        transaction.execute_batch(step.sql).and_then(|()| record(transaction, step)).map_err(
            |error| OpenError::Migration {
                path: path.to_owned(),
                from,
                to,
                version: step.version,
                source: Arc::new(error),
            },
        )?;
    }
    Ok(())
}

fn record(transaction: &Transaction<'_>, step: &Step) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO schema_steps (version, name, checksum, applied_at_us) VALUES ($1, $2, $3, $4)",
        params![step.version, step.name, step.checksum(), now_us()],
    )?;
    Ok(())
}
