//! The states of a template (CloudStack's `VirtualMachineTemplate.State`), as far as flows of this
//! host reach them. How far its bytes are is said of each store: see `object_in_store_state.rs`.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of a template.
    pub enum TemplateState {
        /// It exists as a wish: its bytes are waited for.
        NotUploaded = "NotUploaded",
        /// It is there for use, as soon as a store has it.
        Active = "Active",
        /// Its upload was given up.
        UploadAbandoned = "UploadAbandoned",
        /// It was deleted.
        Inactive = "Inactive",
    }
}

words! {
    /// What happens to a template.
    pub enum TemplateEvent {
        /// Its bytes are there, or can be had.
        OperationSucceeded = "OperationSucceeded",
        /// Its upload did not come in time.
        OperationTimeout = "OperationTimeout",
        /// It is deleted.
        DestroyRequested = "DestroyRequested",
    }
}

impl Machine for TemplateState {
    type Event = TemplateEvent;
    const KIND: RecordKind = RecordKind::Template;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, TemplateEvent, Self)] = {
        use TemplateEvent as E;
        use TemplateState::*;
        &[
            (NotUploaded,     E::OperationSucceeded, Active),
            (NotUploaded,     E::OperationTimeout,   UploadAbandoned),
            (NotUploaded,     E::DestroyRequested,   Inactive),
            (UploadAbandoned, E::DestroyRequested,   Inactive),
            (Active,          E::DestroyRequested,   Inactive),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(TemplateState::NotUploaded, TemplateState::ALL);
    }
}
