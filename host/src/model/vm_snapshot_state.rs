//! The states of an instance snapshot (CloudStack's `VMSnapshot.State`), as far as flows of this
//! host reach them: nothing hides one here.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of an instance snapshot.
    pub enum VmSnapshotState {
        /// It exists as a wish.
        Allocated = "Allocated",
        /// The snapshots of its volumes are being taken.
        Creating = "Creating",
        /// It is whole.
        Ready = "Ready",
        /// The volumes are being put back to it.
        Reverting = "Reverting",
        /// It is being removed.
        Expunging = "Expunging",
        /// Nothing is left of it.
        Removed = "Removed",
        /// It is not whole: nothing of it is left, or a part that can only be deleted.
        Error = "Error",
    }
}

words! {
    /// What happens to an instance snapshot.
    pub enum VmSnapshotEvent {
        /// It is to be taken.
        CreateRequested = "CreateRequested",
        /// The volumes are to be put back to it.
        RevertRequested = "RevertRequested",
        /// It is to be removed.
        ExpungeRequested = "ExpungeRequested",
        /// What was asked for is done.
        OperationSucceeded = "OperationSucceeded",
        /// What was asked for failed.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for VmSnapshotState {
    type Event = VmSnapshotEvent;
    const KIND: RecordKind = RecordKind::VmSnapshot;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, VmSnapshotEvent, Self)] = {
        use VmSnapshotEvent as E;
        use VmSnapshotState::*;
        &[
            (Allocated, E::CreateRequested,    Creating),
            (Creating,  E::OperationSucceeded, Ready),
            (Creating,  E::OperationFailed,    Error),
            (Ready,     E::RevertRequested,    Reverting),
            (Reverting, E::OperationSucceeded, Ready),
            (Reverting, E::OperationFailed,    Ready),
            (Ready,     E::ExpungeRequested,   Expunging),
            (Error,     E::ExpungeRequested,   Expunging),
            (Expunging, E::ExpungeRequested,   Expunging),
            (Expunging, E::OperationSucceeded, Removed),
            (Expunging, E::OperationFailed,    Error),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(VmSnapshotState::Allocated, VmSnapshotState::ALL);
    }
}
