//! The states of an instance (CloudStack's `VirtualMachine.State`), as far as storage cares.

use super::record::{RecordKind, words};
use super::state::Machine;

words! {
    /// The state of an instance.
    pub enum InstanceState {
        /// Its hypervisor host is being let in to its volumes.
        Starting = "Starting",
        /// It runs on its hypervisor host.
        Running = "Running",
        /// Its hypervisor host is being shut out of its volumes.
        Stopping = "Stopping",
        /// It does not run; its volumes stay attached.
        Stopped = "Stopped",
        /// It was destroyed; no volume is attached to it.
        Destroyed = "Destroyed",
        /// Nothing is left of it.
        Expunging = "Expunging",
    }
}

words! {
    /// What happens to an instance.
    pub enum InstanceEvent {
        /// It is to run.
        StartRequested = "StartRequested",
        /// It is to run no more.
        StopRequested = "StopRequested",
        /// It is to go.
        DestroyRequested = "DestroyRequested",
        /// It is to be forgotten.
        ExpungeRequested = "ExpungeRequested",
        /// What was asked for is done.
        OperationSucceeded = "OperationSucceeded",
        /// What was asked for failed and was undone.
        OperationFailed = "OperationFailed",
    }
}

impl InstanceState {
    /// Whether the instance is on its hypervisor host, and not only was there last.
    pub const fn has_host(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

impl Machine for InstanceState {
    type Event = InstanceEvent;
    const KIND: RecordKind = RecordKind::Instance;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, InstanceEvent, Self)] = {
        use InstanceEvent as E;
        use InstanceState::*;
        &[
            (Stopped,   E::StartRequested,     Starting),
            (Starting,  E::OperationSucceeded, Running),
            (Starting,  E::OperationFailed,    Stopped),
            (Running,   E::StopRequested,      Stopping),
            (Stopping,  E::OperationSucceeded, Stopped),
            (Stopping,  E::OperationFailed,    Running),
            (Stopped,   E::DestroyRequested,   Destroyed),
            (Destroyed, E::ExpungeRequested,   Expunging),
        ]
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(InstanceState::Stopped, InstanceState::ALL);
    }
}
