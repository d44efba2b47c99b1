//! How the database file is opened: what is checked first, and what makes a commit durable.
//!
//! What it is not: its schema (`migrate`).
//!
//! **Invariant:** nothing is written to a file before it was found to be a sound database, and
//! ours.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::DATABASE;
use crate::store::{
    OpenError,
    directory::{Directory, io_error},
};

/// How long a connection waits for a program that looks at the database from outside.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many findings of the check a refusal quotes.
const QUOTED: usize = 3;
/// More than there are texts: none is prepared twice.
const CACHED_STATEMENTS: usize = 160;

/// How much of the database the writer keeps in memory; a negative number counts KiB.
const WRITER_CACHE: i64 = -32 * 1024;

/// The database file of a data directory.
pub(super) struct Database {
    path: PathBuf,
}

impl Database {
    /// The file; an empty one is created where there is none, for its owner only.
    pub(super) fn of(directory: &Directory) -> Result<Self, OpenError> {
        let path = directory.file(DATABASE);
        match directory.create_private(DATABASE) {
            Ok(_) => directory.sync()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("create database", &path)(error)),
        }
        Ok(Self { path })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The connection that writes, after the whole file was checked. A commit returns after the
    /// disk has it.
    pub(super) fn open_checked(&self) -> Result<Connection, OpenError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let failed = |error| database_error("check", &self.path)(error);
        let findings = findings(&connection).map_err(failed)?;
        if !findings.is_empty() {
            return Err(OpenError::Damaged {
                path: self.path.clone(),
                finding: findings.join("; "),
            });
        }
        connection
            .pragma_update(None, "synchronous", "FULL")
            .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
            .and_then(|()| connection.pragma_update(None, "cache_size", WRITER_CACHE))
            // On macOS a plain sync leaves the data in the cache of the drive.
            .and_then(|()| connection.pragma_update(None, "fullfsync", true))
            .and_then(|()| connection.pragma_update(None, "checkpoint_fullfsync", true))
            .map_err(failed)?;
        Ok(connection)
    }

    /// Switches to the write-ahead log, for good. Changes the file: it must be known to be ours.
    pub(super) fn use_write_ahead_log(&self, connection: &Connection) -> Result<(), OpenError> {
        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
            .map_err(database_error("prepare", &self.path))?;
        if mode == "wal" {
            return Ok(());
        }
        let reason = format!("its file system takes no write-ahead log (mode {mode:?})");
        Err(OpenError::Database {
            doing: "prepare",
            path: self.path.clone(),
            source: Arc::new(io::Error::other(reason)),
        })
    }

    /// A connection that reads.
    pub(super) fn open_to_read(&self) -> Result<Connection, OpenError> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, OpenError> {
        let failed = |error| database_error("open", &self.path)(error);
        // Each connection is used by one thread at a time.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // The file may have been made by someone else: its schema must not call functions.
        connection
            .pragma_update(None, "trusted_schema", false)
            // What a savepoint may have to undo would go to a file in /tmp otherwise, out of the
            // data directory: four fifths of all writes of a busy writer.
            .and_then(|()| connection.pragma_update(None, "temp_store", "MEMORY"))
            .map_err(failed)?;
        Ok(connection)
    }
}

/// For `map_err`: what was done to which database, and what kind of refusal the error is.
pub(super) fn database_error(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, finding: error.to_string() },
        _ => OpenError::Database { doing, path, source: Arc::new(error) },
    }
}

/// What SQLite's quick check says, unless it is content.
fn findings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({QUOTED})"))?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let findings: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    match findings.as_slice() {
        [only] if only == "ok" => Ok(Vec::new()),
        _ => Ok(findings.iter().map(|finding| finding.replace('\n', " ")).collect()),
    }
}
