//! Why a step failed, and whether to try it again.

use crate::model::{Failure, NoTransition};
use crate::store::{Refused, StoreError};
use std::time::Duration;
use storage_plugin_api::{PluginError, PluginErrorKind, Retry};

/// Whether a step that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retrying {
    /// It would fail again.
    Never,
    /// Someone else came between: at once.
    Now,
    /// The back end may answer later, at the earliest after this time.
    Later(Option<Duration>),
    /// The host is going down; its next start goes on.
    AtNextStart,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// For people, and for the answer to the client.
    pub failure: Failure,
    /// Whether it is tried again.
    pub retrying: Retrying,
}

impl StepError {
    /// A failure that would come again.
    pub fn never(failure: Failure) -> Self {
        Self { failure, retrying: Retrying::Never }
    }

    /// The same failure, which is tried again although it may come again.
    #[must_use]
    pub fn worth_another_try(mut self) -> Self {
        if self.retrying == Retrying::Never {
            self.retrying = Retrying::Later(None);
        }
        self
    }

    /// Says what was being done, before the message.
    #[must_use]
    pub fn context(mut self, doing: impl std::fmt::Display) -> Self {
        self.failure.message = format!("{doing}: {}", self.failure.message);
        self
    }
}

impl From<Failure> for StepError {
    fn from(failure: Failure) -> Self {
        Self::never(failure)
    }
}

impl From<PluginError> for StepError {
    fn from(error: PluginError) -> Self {
        let retrying = match error.retry_hint() {
            Retry::Later { after } => Retrying::Later(after),
            _ => Retrying::Never,
        };
        Self { failure: error.into(), retrying }
    }
}

impl From<Refused> for StepError {
    fn from(refused: Refused) -> Self {
        let retrying = match &refused {
            // Somebody came between; what the step reads anew tells whether that matters.
            Refused::Changed { .. } | Refused::Missing { .. } => Retrying::Now,
            Refused::TakenOver { .. } | Refused::Store(StoreError::Closed) => Retrying::AtNextStart,
            // Whoever uses it comes to an end.
            Refused::Claimed { name, .. } if name.starts_with("use:") => Retrying::Later(None),
            Refused::Store(StoreError::Full { .. } | StoreError::Read { .. }) => {
                Retrying::Later(None)
            }
            Refused::Store(StoreError::Stopped { .. }) => Retrying::AtNextStart,
            _ => Retrying::Never,
        };
        Self { failure: refused.into(), retrying }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Refused::from(error).into()
    }
}

impl From<NoTransition> for StepError {
    fn from(error: NoTransition) -> Self {
        Self::never(error.into())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let kind = match &refused {
            Refused::Changed { .. } | Refused::State { .. } => PluginErrorKind::Conflict,
            Refused::Exists { .. } | Refused::Begun { .. } | Refused::Named { .. } => {
                PluginErrorKind::AlreadyExists
            }
            Refused::Missing { .. } | Refused::NotBegun { .. } => PluginErrorKind::NotFound,
            Refused::Occupied { .. } | Refused::Claimed { .. } => PluginErrorKind::InUse,
            Refused::NoRoom { .. } => PluginErrorKind::CapacityExceeded,
            Refused::TakenOver { .. } => PluginErrorKind::Cancelled,
            Refused::Store(StoreError::Closed) => PluginErrorKind::Unavailable,
            Refused::Store(_) => PluginErrorKind::Internal,
        };
        Self::new(kind, with_sources(&refused))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Refused::from(error).into()
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
