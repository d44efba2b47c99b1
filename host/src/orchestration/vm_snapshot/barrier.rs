//! The barrier: what makes several snapshots those of one moment.
//!
//! The operation claims the instance and every volume of it from before the first member until
//! after the last, so that no other operation of this host changes any of them in between. Whoever
//! writes without asking the host is the guest: one that is stopped does not, and an instance of
//! the hypervisor Simulator is a record only. A member of an attempt that broke off is of another
//! moment: it is removed, and all of them are taken anew.
//!
//! This is the door for real guests. Who teaches the host to reach one freezes it in
//! [`create`](super::create)'s step before the strategy is called, thaws it right after, and in the
//! undoing as well, and says here that it can.

use crate::model::{Instance, InstanceState};
use storage_plugin_api::HypervisorType;

/// Whether an instance writes nothing while its volumes' snapshots are taken one by one; if not,
/// why, and what to do.
pub(super) fn holds_still(instance: &Instance) -> Result<(), String> {
    if instance.state == InstanceState::Stopped || instance.hypervisor == HypervisorType::Simulator
    {
        return Ok(());
    }
    Err(format!(
        "the instance is {} on {}, and this host cannot freeze its guest, so the volumes would be \
         those of several moments; stop it first",
        instance.state, instance.hypervisor
    ))
}
