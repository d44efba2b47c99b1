//! The truth of the back ends, beside that of the store.
//!
//! What it is: a comparison in both directions between what a pool lists and what the store knows;
//! the removal of what a call that was given up left behind; the way back for an object whose
//! record is lost. What it is not: the recovery of operations, which `jobs` does by itself.
//!
//! **Invariants:** only an object is ever deleted whose own record says that it was removed, and
//! that nobody released. An object that the store does not know may be of a life of this
//! installation that it has forgotten: it is reported, never deleted. A pool in quarantine, or one
//! that is not connected, is not looked at.

mod adopt;
mod known;
mod purge;
mod scan;
mod sweep;
#[cfg(test)]
mod tests;

use super::rooms::Rooms;
use crate::model::RecordKind;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub(super) use known::Owner;
pub use purge::Purged;
pub use scan::StoreScan;
pub use sweep::Pace;

/// What is odd about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanClass {
    /// It bears our installation id, and the store has never heard of it.
    Unknown,
    /// Its record says that it was removed, and it is there.
    Leftover,
    /// Its record says that it is on another pool.
    Misplaced,
    /// Its record says that it is there, and it is not.
    Missing,
}

impl OrphanClass {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Leftover => "leftover",
            Self::Misplaced => "misplaced",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for OrphanClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An object of which back end and store say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// What is odd.
    pub class: OrphanClass,
    /// The pool, image store or image cache.
    pub store: Uuid,
    /// The object's public id, if its name holds one.
    pub object: Option<Uuid>,
    /// What it seems to be, or is by its record.
    pub kind: Option<RecordKind>,
    /// Its name, by its record.
    pub name: Option<String>,
    /// Where it lies there.
    pub path: String,
    /// Its virtual size in bytes.
    pub size_bytes: Option<u64>,
}

/// The service that compares.
#[derive(Debug, Clone)]
pub struct Reconcile {
    rooms: Arc<Rooms>,
    /// The stores that are swept now.
    swept: Arc<Mutex<HashSet<Uuid>>>,
}

impl Reconcile {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(adopt::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(purge::Flow(Arc::clone(&rooms))));
        Self { rooms, swept: Arc::default() }
    }
}
