//! The states of a volume (CloudStack's `Volume.State`), as far as flows of this host reach them.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of a volume.
    pub enum VolumeState {
        /// It exists as a wish: no byte of it was made.
        Allocated = "Allocated",
        /// Its driver makes it.
        Creating = "Creating",
        /// It can be used.
        Ready = "Ready",
        /// It is being attached or detached.
        Attaching = "Attaching",
        /// Its size changes.
        Resizing = "Resizing",
        /// A snapshot of it is taken.
        Snapshotting = "Snapshotting",
        /// It goes back to a snapshot.
        RevertSnapshotting = "RevertSnapshotting",
        /// It moves to another pool.
        Migrating = "Migrating",
        /// It was destroyed and can be recovered until it is expunged.
        Destroy = "Destroy",
        /// Its bytes are being removed.
        Expunging = "Expunging",
        /// Nothing is left of it.
        Expunged = "Expunged",
    }
}

words! {
    /// What happens to a volume.
    pub enum VolumeEvent {
        /// Its driver is asked to make it.
        CreateRequested = "CreateRequested",
        /// Its size is to change.
        ResizeRequested = "ResizeRequested",
        /// A snapshot is to be taken.
        SnapshotRequested = "SnapshotRequested",
        /// It is to go back to a snapshot.
        RevertSnapshotRequested = "RevertSnapshotRequested",
        /// It is to move.
        MigrationRequested = "MigrationRequested",
        /// It is to be attached or detached.
        AttachRequested = "AttachRequested",
        /// It is to be destroyed.
        DestroyRequested = "DestroyRequested",
        /// It is to come back.
        RecoverRequested = "RecoverRequested",
        /// Its bytes are to be removed.
        ExpungingRequested = "ExpungingRequested",
        /// What was asked for is done.
        OperationSucceeded = "OperationSucceeded",
        /// What was asked for failed and was undone.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for VolumeState {
    type Event = VolumeEvent;
    const KIND: RecordKind = RecordKind::Volume;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, VolumeEvent, Self)] = {
        use VolumeEvent as E;
        use VolumeState::*;
        &[
            (Allocated,          E::CreateRequested,         Creating),
            (Allocated,          E::DestroyRequested,        Destroy),
            (Allocated,          E::OperationFailed,         Allocated),
            (Creating,           E::OperationSucceeded,      Ready),
            (Creating,           E::OperationFailed,         Allocated),
            (Creating,           E::DestroyRequested,        Destroy),
            (Ready,              E::ResizeRequested,         Resizing),
            (Ready,              E::SnapshotRequested,       Snapshotting),
            (Ready,              E::RevertSnapshotRequested, RevertSnapshotting),
            (Ready,              E::MigrationRequested,      Migrating),
            (Ready,              E::AttachRequested,         Attaching),
            (Ready,              E::DestroyRequested,        Destroy),
            (Attaching,          E::OperationSucceeded,      Ready),
            (Attaching,          E::OperationFailed,         Ready),
            (Resizing,           E::OperationSucceeded,      Ready),
            (Resizing,           E::OperationFailed,         Ready),
            (Snapshotting,       E::OperationSucceeded,      Ready),
            (Snapshotting,       E::OperationFailed,         Ready),
            (RevertSnapshotting, E::OperationSucceeded,      Ready),
            (RevertSnapshotting, E::OperationFailed,         Ready),
            (Migrating,          E::OperationSucceeded,      Ready),
            (Migrating,          E::OperationFailed,         Ready),
            (Destroy,            E::RecoverRequested,        Ready),
            (Destroy,            E::ExpungingRequested,      Expunging),
            (Expunging,          E::ExpungingRequested,      Expunging),
            (Expunging,          E::OperationSucceeded,      Expunged),
            (Expunging,          E::OperationFailed,         Destroy),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(VolumeState::Allocated, VolumeState::ALL);
    }

    #[test]
    fn a_refusal_names_the_states_that_would_do() {
        let refused = VolumeState::Creating.next(VolumeEvent::ResizeRequested);
        let text = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(
            text,
            "a volume in state Creating does not take ResizeRequested; it has to be Ready"
        );
    }
}
