//! The states of an image store. CloudStack has none for it; the words are those of its pools.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of an image store.
    pub enum ImageStoreState {
        /// Its record is there; its back end was not asked yet.
        Initial = "Initial",
        /// It can be used.
        Up = "Up",
        /// It is being removed: nothing new comes to it.
        Removing = "Removing",
        /// It is gone.
        Removed = "Removed",
    }
}

words! {
    /// What happens to an image store.
    pub enum ImageStoreEvent {
        /// Its life cycle found the back end to be as described.
        Initialized = "Initialized",
        /// Its removal begins.
        RemoveRequested = "RemoveRequested",
        /// Its life cycle took away what adding it left.
        OperationSucceeded = "OperationSucceeded",
        /// It could not be removed, and is as it was.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for ImageStoreState {
    type Event = ImageStoreEvent;
    const KIND: RecordKind = RecordKind::ImageStore;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, ImageStoreEvent, Self)] = {
        use ImageStoreEvent as E;
        use ImageStoreState::*;
        &[
            (Initial,  E::Initialized,        Up),
            (Up,       E::RemoveRequested,    Removing),
            (Removing, E::OperationSucceeded, Removed),
            (Removing, E::OperationFailed,    Up),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(ImageStoreState::Initial, ImageStoreState::ALL);
    }
}
