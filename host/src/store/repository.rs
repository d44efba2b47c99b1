//! The contract between the host and an engine that keeps its state.
//!
//! What it is not: SQL. Each kind of record has its own trait, in its own file, next to its
//! limits; [`Repository`] is their sum, so that a caller holds one object.
//!
//! **Invariant:** one suite (`tests/suite.rs`) runs over `&dyn Repository` of every engine; what it
//! does not check is not part of the contract.

use super::{DetailRepository, InstallationId, RecordRepository};

/// An engine: every kind of record, durable.
///
/// # Behavior
/// - A change is durable once its call returned; a read that begins then sees it.
/// - Changes of one caller take effect in the order of their calls.
/// - A change that fails leaves nothing behind, and harms none that was made at the same time.
/// - A call that is dropped before it returned may have taken effect, wholly.
/// - The calls need no particular async runtime: a plugin's own may poll them.
///
/// # Errors
/// Every call: [`Closed`](super::StoreError::Closed) after [`close`](Self::close).
pub trait Repository: DetailRepository + RecordRepository {
    /// Whose state this is. Generated once, with the database, and never changed.
    fn installation_id(&self) -> &InstallationId;

    /// Refuses every later call, lets those that wait finish, and gives the data directory free.
    ///
    /// Blocks until the last change is on the disk. Dropping the repository does the same.
    fn close(&self);
}
