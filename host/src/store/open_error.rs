//! Why the store could not be opened: what an operator reads when the host does not start.
//!
//! What it is not: an error of a running host ([`StoreError`](super::StoreError)).
//!
//! **Invariant:** each text names the file and the way out. A refusal changed nothing on the disk
//! that was there before.

use std::path::PathBuf;

use super::Cause;

/// Why a data directory could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system refused something.
    #[error("cannot {doing} {path:?}")]
    Io {
        /// What was done: `create`, `read`, …
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system says.
        source: Cause,
    },

    /// Others could replace the files of the directory.
    #[error(
        "cannot use data directory {path:?}: users other than its owner can write to it \
         (mode {mode:04o}); run `chmod 700` on it"
    )]
    ExposedDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// Another host has the directory.
    #[error(
        "data directory {path:?} is in use by another storage-host ({}); stop that one, or give \
         this one a data_dir of its own", holder(*pid)
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, where it could be told.
        pid: Option<u32>,
    },

    /// The file is something else.
    #[error(
        "{path:?} is not a database; move it away and restore store.db from a backup, or start \
         with an empty data directory"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },

    /// The database is of another program.
    #[error(
        "database {path:?} belongs to another program: it has tables, but none of storage-host; \
         move it away, or choose another data_dir"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },

    /// The database has holes or contradictions.
    #[error(
        "database {path:?} is damaged ({finding}); copy the whole data directory aside, check the \
         disk, then restore store.db from a backup"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check found first.
        finding: String,
    },

    /// The engine refused something.
    #[error("cannot {doing} database {path:?}")]
    Database {
        /// What was done: `open`, `read`, …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the engine says.
        source: Cause,
    },

    /// A newer host wrote the database.
    #[error(
        "database {path:?} has schema version {database}, and this storage-host knows versions up \
         to {host}; start the newer storage-host again, or restore a backup made before the upgrade"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of the database.
        database: u32,
        /// The newest version that this host knows.
        host: u32,
    },

    /// The database went another way than this host's steps.
    #[error(
        "database {path:?} was made by a different build of storage-host: step {version} of its \
         schema ({name}) is not the step of this build; use the build that made it"
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The version of the step.
        version: u32,
        /// The name of the step, as the database has it.
        name: String,
    },

    /// An older database could not be brought up to date. It is as it was.
    #[error(
        "cannot bring database {path:?} from schema version {from} to {to}: step {version} \
         failed; it is unchanged, and the older storage-host still opens it"
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// The version of the database.
        from: u32,
        /// The version it was to have.
        to: u32,
        /// The step that failed.
        version: u32,
        /// What the engine says.
        source: Cause,
    },

    /// The key file can be seen by others.
    #[error(
        "secret key {path:?} is open to users other than its owner (mode {mode:04o}); run \
         `chmod 600` on it, and consider its secrets known if others use this machine"
    )]
    ExposedKey {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// The key file holds something else.
    #[error("secret key {path:?} is not a key: 64 hexadecimal digits are expected")]
    MalformedKey {
        /// The file.
        path: PathBuf,
    },

    /// There are secrets, and no key.
    #[error(
        "secret key {path:?} is missing, and the database has secrets sealed with key {key_id}; \
         restore the file from the backup that the database came from"
    )]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The key that is needed.
        key_id: String,
    },

    /// The key is not the one of the database.
    #[error(
        "the secret key of {origin} is not the one of the database: it is key {given}, and the \
         secrets are sealed with key {needed}; give the key that belongs to this data directory"
    )]
    WrongKey {
        /// Where the key came from.
        origin: String,
        /// Which key it is.
        given: String,
        /// Which key is needed.
        needed: String,
    },

    /// The record that proves the key, or the installation id, makes no sense.
    #[error(
        "database {path:?} has a damaged record {name:?} in its table meta; restore store.db from \
         a backup"
    )]
    DamagedRecord {
        /// The file.
        path: PathBuf,
        /// The name of the record.
        name: &'static str,
    },

    /// The system gave no random numbers.
    #[error("cannot draw random numbers from the operating system")]
    NoRandomness {
        /// What the system says.
        source: Cause,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "its pid is not known".to_owned(), |pid| format!("pid {pid}"))
}
