//! The states of a snapshot (CloudStack's `Snapshot.State`), as far as flows of this host reach
//! them.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of a snapshot.
    pub enum SnapshotState {
        /// It exists as a wish.
        Allocated = "Allocated",
        /// Its driver takes it.
        Creating = "Creating",
        /// It is there: on the pool where it was taken, on an image store, or on both.
        BackedUp = "BackedUp",
        /// It is being copied to an image store.
        BackingUp = "BackingUp",
        /// It is being removed.
        Destroying = "Destroying",
        /// Nothing is left of it.
        Destroyed = "Destroyed",
        /// It could not be taken; nothing is left of it.
        Error = "Error",
    }
}

words! {
    /// What happens to a snapshot.
    pub enum SnapshotEvent {
        /// Its driver is asked to take it.
        CreateRequested = "CreateRequested",
        /// It is to be copied to an image store.
        BackupToSecondary = "BackupToSecondary",
        /// It is to be removed.
        DestroyRequested = "DestroyRequested",
        /// It was taken, and is not copied anywhere.
        OperationNotPerformed = "OperationNotPerformed",
        /// What was asked for is done.
        OperationSucceeded = "OperationSucceeded",
        /// What was asked for failed and was undone.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for SnapshotState {
    type Event = SnapshotEvent;
    const KIND: RecordKind = RecordKind::Snapshot;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, SnapshotEvent, Self)] = {
        use SnapshotEvent as E;
        use SnapshotState::*;
        &[
            (Allocated,  E::CreateRequested,       Creating),
            (Creating,   E::OperationNotPerformed, BackedUp),
            (Creating,   E::OperationFailed,       Error),
            (BackedUp,   E::DestroyRequested,      Destroying),
            (BackedUp,   E::BackupToSecondary,     BackingUp),
            // One that could not be copied is there still.
            (BackingUp,  E::OperationSucceeded,    BackedUp),
            (BackingUp,  E::OperationFailed,       BackedUp),
            (Destroying, E::DestroyRequested,      Destroying),
            (Destroying, E::OperationSucceeded,    Destroyed),
            (Destroying, E::OperationFailed,       BackedUp),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(SnapshotState::Allocated, SnapshotState::ALL);
    }
}
