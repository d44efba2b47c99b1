//! Why something was not done.
//!
//! The one error of the rooms above the store: its kind is branched on, its message is read. The
//! API maps the kind to CloudStack's numbers.

use super::state::NoTransition;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage_plugin_api::{PluginError, PluginErrorKind};

/// Why something was not done, or why a step has to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What went wrong, as far as anyone may branch on it.
    pub kind: PluginErrorKind,
    /// What to read at 3 a.m.: the thing, the value, the way out.
    pub message: String,
    /// What a provider said of it, by key: what a flow goes on from, which it never reads out of
    /// words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: PluginErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: BTreeMap::new() }
    }

    /// An argument of the caller's is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::InvalidArgument, message)
    }

    /// What was asked for is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::NotFound, message)
    }

    /// It is not in a state that allows this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::Conflict, message)
    }

    /// It is in use.
    pub fn in_use(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::InUse, message)
    }

    /// The driver cannot do it.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::Unsupported, message)
    }

    /// It cannot be reached now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::Unavailable, message)
    }

    /// There is no room.
    pub fn no_room(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::CapacityExceeded, message)
    }

    /// A bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(PluginErrorKind::Internal, message)
    }
}

impl From<NoTransition> for Failure {
    fn from(error: NoTransition) -> Self {
        Self::conflict(error.to_string())
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        let context = error.context().iter().cloned().collect();
        Self { context, ..Self::new(error.kind(), error.to_string()) }
    }
}
