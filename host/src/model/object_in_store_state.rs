//! The states of an object on a data store (CloudStack's `ObjectInDataStoreStateMachine`), as far
//! as flows of this host reach them.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of an object on a data store.
    pub enum ObjectInStoreState {
        /// It exists as a wish.
        Allocated = "Allocated",
        /// Its bytes are on their way.
        Creating = "Creating",
        /// It is there, and was verified.
        Ready = "Ready",
        /// It is being removed.
        Destroying = "Destroying",
        /// Nothing is left of it.
        Destroyed = "Destroyed",
        /// It could not be made; nothing is left of it.
        Failed = "Failed",
    }
}

words! {
    /// What happens to an object on a data store.
    pub enum ObjectInStoreEvent {
        /// Its bytes begin to move.
        CreateOnlyRequested = "CreateOnlyRequested",
        /// It is to be removed.
        DestroyRequested = "DestroyRequested",
        /// What was asked for is done (CloudStack spells it so).
        OperationSuccessed = "OperationSuccessed",
        /// What was asked for failed and was undone.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for ObjectInStoreState {
    type Event = ObjectInStoreEvent;
    const KIND: RecordKind = RecordKind::ObjectInStore;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, ObjectInStoreEvent, Self)] = {
        use ObjectInStoreEvent as E;
        use ObjectInStoreState::*;
        &[
            (Allocated,  E::CreateOnlyRequested, Creating),
            (Allocated,  E::OperationFailed,     Failed),
            (Allocated,  E::DestroyRequested,    Destroying),
            (Creating,   E::OperationSuccessed,  Ready),
            (Creating,   E::OperationFailed,     Failed),
            (Ready,      E::DestroyRequested,    Destroying),
            (Destroying, E::DestroyRequested,    Destroying),
            (Destroying, E::OperationFailed,     Destroying),
            (Destroying, E::OperationSuccessed,  Destroyed),
            (Failed,     E::CreateOnlyRequested, Creating),
            (Failed,     E::DestroyRequested,    Destroying),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(ObjectInStoreState::Allocated, ObjectInStoreState::ALL);
    }
}
