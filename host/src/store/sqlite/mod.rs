//! The first engine: SQLite inside the process, one writer that commits in groups, a few readers.
//!
//! What it is not: shared between hosts; for that a second engine will implement the same traits.
//! Its statements are kept to what PostgreSQL takes too.
//!
//! **Invariants:** only the writer's connection changes the database. An answer leaves after the
//! commit that holds its change, and the commit returns after the disk has it. No thread of an
//! async runtime ever waits for the disk.
//!
//! Start reading at `writer` and `commit`, then `transact`.

mod commit;
mod writer;

mod details;
mod records;

mod capacity;
mod claims;
mod events;
mod operations;
mod row_reads;
mod rows;
mod transact;

mod columns;
mod connection;
mod meta;
mod migrate;
mod query;
mod queue;
mod readers;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use super::{
    InstallationId, KeySource, OpenError, Repository,
    directory::Directory,
    schema::{self, STEPS},
    secrets::{Envelope, unlock},
};
use connection::Database;
use readers::Readers;
use writer::Writer;

/// The name of the database in the data directory.
const DATABASE: &str = "store.db";

/// The repository on SQLite.
pub struct SqliteRepository {
    // In the order of their end: the last connection to close tidies the database up, and only
    // the writer's can; the directory is free after that.
    readers: Readers,
    writer: Writer,
    directory: Mutex<Option<Directory>>,
    envelope: Envelope,
    installation_id: InstallationId,
    /// As the disk has it; never ahead of it.
    epoch: Arc<AtomicU64>,
}

impl SqliteRepository {
    /// Opens the database of a directory, and creates it where there is none.
    pub(super) fn open(directory: Directory, key: &KeySource) -> Result<Self, OpenError> {
        let database = Database::of(&directory)?;
        let mut connection = database.open_checked()?;
        migrate::migrate(&mut connection, STEPS, database.path())?;
        database.use_write_ahead_log(&connection)?;
        let installation_id = meta::installation_id(&connection, database.path())?;
        let proof = meta::get(&connection, schema::meta::KEY_PROOF, database.path())?;
        let unlocked = unlock(&directory, key, proof.as_deref(), database.path())?;
        if let Some(proof) = &unlocked.new_proof {
            meta::add(&connection, schema::meta::KEY_PROOF, proof, database.path())?;
        }
        let epoch = meta::next_epoch(&connection, database.path())?;
        let readers = Readers::start(&database)?;
        let writer = Writer::start(connection, database.path())?;
        Ok(Self {
            readers,
            writer,
            directory: Mutex::new(Some(directory)),
            envelope: unlocked.envelope,
            installation_id,
            epoch: Arc::new(AtomicU64::new(epoch)),
        })
    }

    /// How many transactions the writer has committed since it was opened: with many writers far
    /// fewer than changes.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// How many changes wait for the writer now.
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }
}

impl Repository for SqliteRepository {
    fn installation_id(&self) -> &InstallationId {
        &self.installation_id
    }

    fn close(&self) {
        self.readers.stop();
        self.writer.stop();
        let directory = &mut *self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        drop(directory.take());
    }
}

impl fmt::Debug for SqliteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository")
            .field("installation_id", &self.installation_id)
            .field("commits", &self.commits())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}
