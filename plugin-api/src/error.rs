//! The one error type of the contract.
//!
//! Handling and reporting are separate: the host branches on [`PluginErrorKind`] and [`Retry`],
//! people read `Display`. An error crosses the boundary as plain data, so its causes are text.

use crate::types::words;
use std::fmt;
use std::time::Duration;

words! {
    /// What went wrong, as far as anyone may branch on it.
    pub enum PluginErrorKind {
        /// The driver cannot do this at all.
        Unsupported = "Unsupported",
        /// A setting or detail of the store is wrong.
        InvalidConfig = "InvalidConfig",
        /// An argument of the call is wrong.
        InvalidArgument = "InvalidArgument",
        /// The back end does not know the credentials.
        Unauthenticated = "Unauthenticated",
        /// The back end knows the credentials and refuses.
        PermissionDenied = "PermissionDenied",
        /// The object is not there.
        NotFound = "NotFound",
        /// Something else with this name is there.
        AlreadyExists = "AlreadyExists",
        /// The object is not in a state that allows this.
        Conflict = "Conflict",
        /// Something uses the object.
        InUse = "InUse",
        /// No space, no quota, no more objects.
        CapacityExceeded = "CapacityExceeded",
        /// The back end asks to slow down.
        RateLimited = "RateLimited",
        /// No progress for longer than the window.
        Timeout = "Timeout",
        /// The back end, or the plugin's process, cannot be reached now.
        Unavailable = "Unavailable",
        /// The caller gave up.
        Cancelled = "Cancelled",
        /// Bytes are not what they were.
        Corrupt = "Corrupt",
        /// A bug.
        Internal = "Internal",
    }
}

/// Whether the same call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// It will fail again.
    Never,
    /// It may succeed, at the earliest after this time.
    Later {
        /// As the back end asked, if it did.
        after: Option<Duration>,
    },
    /// It was retried already, by a layer below, until that gave up.
    Exhausted,
}

/// What every fallible method of the contract returns.
pub type PluginResult<T> = Result<T, PluginError>;

/// An error of a plugin, or on the way to it.
///
/// Messages are lower-case fragments without a period; they name the object and the value, say
/// what to do where that is known, and never hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginError {
    inner: Box<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: PluginErrorKind,
    retry: Retry,
    message: String,
    operation: Option<String>,
    context: Vec<(String, String)>,
    causes: Vec<String>,
}

macro_rules! constructors {
    ($( $(#[$meta:meta])* $name:ident => $kind:ident, $retry:expr; )+) => { $(
        $(#[$meta])*
        pub fn $name(message: impl Into<String>) -> Self {
            Self::new(PluginErrorKind::$kind, message).retry($retry)
        }
    )+ };
}

const LATER: Retry = Retry::Later { after: None };

impl PluginError {
    /// An error of a kind, not to be retried.
    pub fn new(kind: PluginErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                retry: Retry::Never,
                message: message.into(),
                operation: None,
                context: Vec::new(),
                causes: Vec::new(),
            }),
        }
    }

    constructors! {
        /// The driver cannot do this at all.
        unsupported => Unsupported, Retry::Never;
        /// A setting or detail of the store is wrong.
        invalid_config => InvalidConfig, Retry::Never;
        /// An argument of the call is wrong.
        invalid_argument => InvalidArgument, Retry::Never;
        /// The back end does not know the credentials.
        unauthenticated => Unauthenticated, Retry::Never;
        /// The back end refuses these credentials.
        permission_denied => PermissionDenied, Retry::Never;
        /// The object is not there.
        not_found => NotFound, Retry::Never;
        /// Something else with this name is there.
        already_exists => AlreadyExists, Retry::Never;
        /// The object is not in a state that allows this.
        conflict => Conflict, Retry::Never;
        /// Something uses the object.
        in_use => InUse, Retry::Never;
        /// No space, no quota, no more objects.
        capacity_exceeded => CapacityExceeded, Retry::Never;
        /// The back end asks to slow down; retried later.
        rate_limited => RateLimited, LATER;
        /// No progress in time; retried later.
        timeout => Timeout, LATER;
        /// Cannot be reached now; retried later.
        unavailable => Unavailable, LATER;
        /// The caller gave up.
        cancelled => Cancelled, Retry::Never;
        /// Bytes are not what they were.
        corrupt => Corrupt, Retry::Never;
        /// A bug.
        internal => Internal, Retry::Never;
    }

    /// The error of a system call: the kind follows from the system's own, the text is kept.
    pub fn from_io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound => PluginErrorKind::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => PluginErrorKind::PermissionDenied,
            Io::AlreadyExists => PluginErrorKind::AlreadyExists,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => {
                PluginErrorKind::CapacityExceeded
            }
            Io::TimedOut => PluginErrorKind::Timeout,
            Io::ConnectionRefused
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::NotConnected
            | Io::BrokenPipe
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::StaleNetworkFileHandle => PluginErrorKind::Unavailable,
            Io::InvalidInput | Io::InvalidFilename => PluginErrorKind::InvalidArgument,
            Io::Unsupported => PluginErrorKind::Unsupported,
            Io::UnexpectedEof | Io::InvalidData => PluginErrorKind::Corrupt,
            Io::ResourceBusy | Io::DirectoryNotEmpty => PluginErrorKind::InUse,
            _ => PluginErrorKind::Internal,
        };
        let retry = match kind {
            PluginErrorKind::Timeout | PluginErrorKind::Unavailable => LATER,
            _ => Retry::Never,
        };
        Self::new(kind, format!("{doing}: {error}")).retry(retry)
    }

    /// Says whether it may be retried.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Adds what was being done, as `key=value` beside the message.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.inner.context.push((key.into(), value.to_string()));
        self
    }

    /// Names the contract method that failed; the first name stays.
    #[must_use]
    pub fn in_operation(mut self, operation: &str) -> Self {
        self.inner.operation.get_or_insert_with(|| operation.to_owned());
        self
    }

    /// Adds the text of an error and of every error below it.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            self.inner.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// Adds the text of a cause.
    #[must_use]
    pub fn caused_by_text(mut self, cause: impl Into<String>) -> Self {
        self.inner.causes.push(cause.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> PluginErrorKind {
        self.inner.kind
    }

    /// Whether it may succeed later.
    pub fn retry_hint(&self) -> Retry {
        self.inner.retry
    }

    /// Whether a retry makes sense now or later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.inner.retry, Retry::Later { .. })
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The contract method that failed.
    pub fn operation(&self) -> Option<&str> {
        self.inner.operation.as_deref()
    }

    /// What was being done.
    pub fn context(&self) -> &[(String, String)] {
        &self.inner.context
    }

    /// The texts of what lies below, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.inner.causes
    }
}

impl fmt::Display for PluginError {
    /// One line: `operation: message (key=value): cause: cause`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        f.write_str(self.message())?;
        for (position, (key, value)) in self.context().iter().enumerate() {
            write!(f, "{}{key}={value}", if position == 0 { " (" } else { ", " })?;
        }
        if !self.context().is_empty() {
            f.write_str(")")?;
        }
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PluginError {}
