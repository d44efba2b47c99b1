//! The states of a storage pool (CloudStack's `StoragePoolStatus`).

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of a storage pool.
    pub enum StoragePoolState {
        /// Its record is there; its back end was not asked yet.
        Initial = "Initial",
        /// Its life cycle found the back end to be as described.
        Initialized = "Initialized",
        /// It is being attached to its scope.
        Attaching = "Attaching",
        /// It can be used.
        Up = "Up",
        /// It takes no new volumes; those it has can be used.
        Disabled = "Disabled",
        /// It is on the way into maintenance.
        PrepareForMaintenance = "PrepareForMaintenance",
        /// The way into maintenance, or out of it, failed.
        ErrorInMaintenance = "ErrorInMaintenance",
        /// It is on the way out of maintenance.
        CancelMaintenance = "CancelMaintenance",
        /// Nobody uses it.
        Maintenance = "Maintenance",
        /// It is gone.
        Removed = "Removed",
    }
}

words! {
    /// What happens to a storage pool.
    pub enum StoragePoolEvent {
        /// Its life cycle said yes.
        Initialized = "Initialized",
        /// Attaching begins.
        AttachRequested = "AttachRequested",
        /// It is to go into maintenance.
        MaintainRequested = "MaintainRequested",
        /// Maintenance is to end.
        CancelMaintainRequested = "CancelMaintainRequested",
        /// It is to take no new volumes.
        DisableRequested = "DisableRequested",
        /// It is to take new volumes again.
        EnableRequested = "EnableRequested",
        /// It is to be removed.
        RemoveRequested = "RemoveRequested",
        /// What was asked for is done.
        OperationSucceeded = "OperationSucceeded",
        /// What was asked for failed.
        OperationFailed = "OperationFailed",
    }
}

impl Machine for StoragePoolState {
    type Event = StoragePoolEvent;
    const KIND: RecordKind = RecordKind::StoragePool;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, StoragePoolEvent, Self)] = {
        use StoragePoolEvent as E;
        use StoragePoolState::*;
        &[
            (Initial,               E::Initialized,             Initialized),
            (Initialized,           E::AttachRequested,         Attaching),
            (Attaching,             E::AttachRequested,         Attaching),
            (Attaching,             E::OperationSucceeded,      Up),
            (Up,                    E::DisableRequested,        Disabled),
            (Disabled,              E::EnableRequested,         Up),
            (Up,                    E::MaintainRequested,       PrepareForMaintenance),
            (ErrorInMaintenance,    E::MaintainRequested,       PrepareForMaintenance),
            (PrepareForMaintenance, E::MaintainRequested,       PrepareForMaintenance),
            (PrepareForMaintenance, E::OperationSucceeded,      Maintenance),
            (PrepareForMaintenance, E::OperationFailed,         ErrorInMaintenance),
            (PrepareForMaintenance, E::CancelMaintainRequested, CancelMaintenance),
            (Maintenance,           E::CancelMaintainRequested, CancelMaintenance),
            (ErrorInMaintenance,    E::CancelMaintainRequested, CancelMaintenance),
            (CancelMaintenance,     E::CancelMaintainRequested, CancelMaintenance),
            (CancelMaintenance,     E::OperationSucceeded,      Up),
            (CancelMaintenance,     E::OperationFailed,         ErrorInMaintenance),
            (Maintenance,           E::RemoveRequested,         Removed),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(StoragePoolState::Initial, StoragePoolState::ALL);
    }
}
