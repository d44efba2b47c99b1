//! What may be changed, and why a change was refused.
//!
//! What it is not: SQL. A transaction is a list of [`Change`]s that take effect together or not at
//! all; those that only ask (`Expect…`) are part of it, so that nothing comes between the question
//! and the change.
//!
//! **Invariant:** each refusal says who or what stands in the way, for people to read.

use super::StoreError;
use super::row::{NewRow, to_row};
use crate::model::{NewEvent, Operation, Record, RecordKind, Stored};
use uuid::Uuid;

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new record. Refused where the uuid is taken.
    Insert(NewRow),
    /// A record as it is to be. Refused where it changed since it was read, or was removed.
    Update(NewRow),
    /// A record is gone; it stays as proof. Nothing where it was removed before, or never was.
    Remove(RecordKind, Uuid),
    /// A record is to be forgotten, as if it had never been. Nothing where it is not there.
    Forget(RecordKind, Uuid),

    /// Asks that a record is there, in one of these states (any, if none is named).
    Expect {
        /// What kind.
        kind: RecordKind,
        /// Which.
        uuid: Uuid,
        /// The words of the states.
        states: Vec<&'static str>,
    },
    /// Asks that no record of a kind belongs to this owner.
    ExpectNone {
        /// What kind.
        kind: RecordKind,
        /// Whose.
        owner: Uuid,
    },

    /// Asks that no other record of a kind has this name.
    ExpectNoneNamed {
        /// What kind.
        kind: RecordKind,
        /// The name.
        name: String,
        /// Where it counts: the owner, or the zone, of those that are compared; everywhere if
        /// there is none.
        within: Option<Uuid>,
        /// The record that is to have it.
        but: Uuid,
    },

    /// Asks that no operation uses a record: no claim is called `use:` and its uuid.
    ExpectUnused(Uuid),

    /// Takes a name for a holder. Refused where another holds it; nothing where it does itself.
    Claim {
        /// What is taken: `object:…`, `use:…`, `cancel:…`, `back-end:…`, `token:…`.
        name: String,
        /// By whom.
        holder: Uuid,
    },
    /// Gives a name back; nothing where the holder does not have it.
    Unclaim {
        /// What was taken.
        name: String,
        /// By whom.
        holder: Uuid,
    },

    /// How many bytes may be promised on a store. Never refused: promises that exceed it stay,
    /// no new ones are made.
    SetLimit {
        /// The store.
        store: Uuid,
        /// So many.
        bytes: u64,
    },
    /// An owner's promise on a store is now so many bytes, whatever it was before. Refused where
    /// it grows and all promises together exceed the limit.
    Reserve {
        /// The store.
        store: Uuid,
        /// The volume or snapshot.
        owner: Uuid,
        /// So many.
        bytes: u64,
    },
    /// An owner's promise on a store ends. Nothing where there is none.
    Unreserve {
        /// The store.
        store: Uuid,
        /// The volume or snapshot.
        owner: Uuid,
    },

    /// A new operation. Refused where the uuid is taken.
    Begin(Box<Operation>),
    /// An operation as it is now. Refused where a host of a higher epoch has it, or it was never
    /// begun. One that rests gives back every claim of its own that is called `object:…`,
    /// `use:…` or `cancel:…`.
    Journal(Box<Operation>),
    /// Something happened. Its number is given when it is recorded.
    Event(NewEvent),
}

impl Change {
    /// A new record.
    pub fn insert<T: Record>(record: &T) -> Self {
        Self::Insert(to_row(record, 0))
    }

    /// Asks that a record is there, in this state.
    pub fn expect(kind: RecordKind, uuid: Uuid, state: &'static str) -> Self {
        Self::Expect { kind, uuid, states: vec![state] }
    }

    /// Asks that a record is there, whatever its state.
    pub fn expect_there(kind: RecordKind, uuid: Uuid) -> Self {
        Self::Expect { kind, uuid, states: Vec::new() }
    }

    /// A record that was read and changed.
    pub fn update<T: Record>(stored: &Stored<T>) -> Self {
        Self::Update(to_row(&stored.record, stored.version))
    }

    /// Asks that no other record of its kind has a record's name, everywhere or within an owner or
    /// a zone. It comes before the change that writes the record.
    pub fn expect_name_free<T: Record>(record: &T, within: Option<Uuid>) -> Self {
        let (name, but) = (record.index().name, record.uuid());
        Self::ExpectNoneNamed { kind: T::KIND, name, within, but }
    }

    /// A record is gone; it stays as proof.
    pub fn remove<T: Record>(record: &T) -> Self {
        Self::Remove(T::KIND, record.uuid())
    }
}

/// Why nothing of a transaction was done.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A record changed since it was read: read it again.
    #[error("{kind} {uuid} was changed by someone else at the same time; try again")]
    Changed {
        /// What kind.
        kind: RecordKind,
        /// Which.
        uuid: Uuid,
    },
    /// A uuid is taken.
    #[error("there is a {kind} {uuid} already")]
    Exists {
        /// What kind.
        kind: RecordKind,
        /// Which.
        uuid: Uuid,
    },
    /// A record is not there, or was removed.
    #[error("there is no {kind} {uuid}")]
    Missing {
        /// What kind.
        kind: RecordKind,
        /// Which.
        uuid: Uuid,
    },
    /// A record is in another state.
    #[error("{kind} {uuid} is in state {state}; it has to be {}", wanted.join(" or "))]
    State {
        /// What kind.
        kind: RecordKind,
        /// Which.
        uuid: Uuid,
        /// The state it is in.
        state: String,
        /// The states that would do.
        wanted: Vec<&'static str>,
    },
    /// Records belong to an owner that should have none.
    #[error("{count} {kind} records belong to {owner}")]
    Occupied {
        /// What kind.
        kind: RecordKind,
        /// Whose.
        owner: Uuid,
        /// How many.
        count: u64,
    },
    /// A record of the kind has a name that another is to have.
    #[error("there is a {} {name:?} already, {by}; take another name", kind.as_str().replace('_', " "))]
    Named {
        /// What kind.
        kind: RecordKind,
        /// The name.
        name: String,
        /// Which has it.
        by: Uuid,
    },
    /// Another holds a name.
    #[error("{name} is held by {holder} since {since_us} µs")]
    Claimed {
        /// What.
        name: String,
        /// By whom.
        holder: Uuid,
        /// Since when, in microseconds since 1970 (UTC).
        since_us: i64,
    },
    /// A store has no room for a promise.
    #[error("store {store} has {free} bytes left to promise, and {wanted} more are needed")]
    NoRoom {
        /// The store.
        store: Uuid,
        /// What is left.
        free: u64,
        /// What was asked for beyond what the owner has already.
        wanted: u64,
    },
    /// A host of a higher epoch has the operation.
    #[error("operation {operation} was taken over by epoch {epoch}")]
    TakenOver {
        /// Which.
        operation: Uuid,
        /// By whom.
        epoch: u64,
    },
    /// The uuid of an operation is taken.
    #[error("there is an operation {operation} already")]
    Begun {
        /// Which.
        operation: Uuid,
    },
    /// An operation is not there.
    #[error("there is no operation {operation}")]
    NotBegun {
        /// Which.
        operation: Uuid,
    },
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
