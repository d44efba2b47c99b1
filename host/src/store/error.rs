//! Why the store could not do something, as its callers must tell the reasons apart.
//!
//! What it is not: the reasons why it could not be opened, which an operator reads at the start
//! of the host ([`OpenError`]).
//!
//! **Invariant:** no text and no cause holds a value that was to be kept.

use std::{error::Error, sync::Arc};

use super::OpenError;

/// What went wrong below the store. Shared, for one failed commit fails several calls.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why an operation of the store failed.
///
/// `what` reads after "cannot": `keep detail "session" of plugin "s3"`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),

    /// Something is larger than what is kept; it will not fit at the next attempt either.
    #[error("cannot {what}: it has {bytes} bytes, and {limit} are the limit")]
    TooLarge {
        /// What was to be done.
        what: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },

    /// The place cannot exist in any engine.
    #[error("cannot {what}: {reason}")]
    InvalidAddress {
        /// What was to be done.
        what: String,
        /// What is wrong with the place.
        reason: String,
    },

    /// The engine could not read.
    #[error("cannot {what}: the store could not be read")]
    Read {
        /// What was to be done.
        what: String,
        /// What the engine says.
        source: Cause,
    },

    /// The engine refused this change, and nothing of it is left.
    #[error("cannot {what}: the store did not take it")]
    Write {
        /// What was to be done.
        what: String,
        /// What the engine says.
        source: Cause,
    },

    /// There is no room for this change. It may fit once there is.
    #[error("cannot {what}: the disk of the data directory is full; free some space, then retry")]
    Full {
        /// What was to be done.
        what: String,
    },

    /// What is kept there is not what was kept there.
    #[error(
        "cannot {what}: the kept value {reason}; set it anew, or restore the database and \
         secret.key from one and the same backup"
    )]
    Unreadable {
        /// What was to be done.
        what: String,
        /// What is wrong with the value.
        reason: &'static str,
    },

    /// A commit failed in the disk: what is on it is known again only after a restart.
    #[error(
        "cannot {what}: the store stopped writing after a commit failed ({reason}); everything \
         acknowledged before is safe; look at the disk and the kernel's log, then restart the host"
    )]
    Stopped {
        /// What was to be done.
        what: String,
        /// How the commit failed.
        reason: String,
    },

    /// The code of an operation broke. Nothing of the operation is left.
    #[error("cannot {what}: an internal error of the host; its log has the panic")]
    Internal {
        /// What was to be done.
        what: String,
    },

    /// The host is going down.
    #[error("the store is closed: the host is going down")]
    Closed,
}
