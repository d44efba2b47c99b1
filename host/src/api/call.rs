//! One call of a command: who calls, and what the handler may ask.

use super::command::CommandTable;
use crate::registry::DataStoreProviderManager;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use uuid::Uuid;

/// The id of a request, in every line of the log that is about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerContext {
    /// The account.
    pub account: Arc<str>,
    /// The request, for the log.
    pub request: RequestId,
}

/// What the host says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInfo {
    /// Its version.
    pub version: String,
    /// The address at which it serves.
    pub listen: SocketAddr,
}

/// What handlers work with.
#[derive(Debug)]
pub struct Services {
    /// Providers and the plugins they come from.
    pub providers: Arc<DataStoreProviderManager>,
    /// The host itself.
    pub host: HostInfo,
}

/// What a handler is given besides its parameters.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls.
    pub caller: CallerContext,
    /// What to work with.
    pub services: Arc<Services>,
    /// All commands.
    pub commands: Arc<CommandTable>,
}
