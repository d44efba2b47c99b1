//! Who asks for something, and what comes back at once.

use crate::model::Caller;
use uuid::Uuid;

/// Who asks for a change, and by which command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Who.
    pub caller: Caller,
    /// By which API command, or what of the host itself.
    pub command: String,
}

impl RequestContext {
    /// A request of the host itself.
    pub fn system(command: &str) -> Self {
        Self { caller: Caller::system(), command: command.to_owned() }
    }
}

/// An operation that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The operation, which is also the job to poll.
    pub operation: Uuid,
    /// What it is about.
    pub object: Uuid,
}
