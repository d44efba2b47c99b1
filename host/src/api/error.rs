//! Errors as CloudStack says them: the one place that knows its numbers.
//!
//! **Invariant:** what went wrong inside the host goes to its log; the caller gets the id of the
//! request to look for there ([`ApiError::internal`]). Every other text is meant for the caller and
//! holds no secret.

use super::call::RequestId;
use serde_json::json;
use std::fmt;

/// What kind of error: the HTTP status too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Who calls is not known, or may not.
    Unauthorized = 401,
    /// There is nothing at this path.
    NotFound = 404,
    /// Not by this HTTP method.
    MethodNotAllowed = 405,
    /// The body did not arrive in time.
    RequestTimeout = 408,
    /// The body is too large.
    PayloadTooLarge = 413,
    /// The body is not a form.
    UnsupportedMediaType = 415,
    /// Too many calls.
    ApiLimitExceeded = 429,
    /// The request cannot be taken apart.
    MalformedParameter = 430,
    /// A parameter is missing or wrong.
    Parameter = 431,
    /// No such command.
    UnsupportedAction = 432,
    /// No new work is taken.
    ServiceUnavailable = 503,
    /// Something failed on the way.
    Internal = 530,
    /// The account may not.
    Account = 531,
    /// The account has reached a limit.
    AccountResourceLimit = 532,
    /// There is not enough room.
    InsufficientCapacity = 533,
    /// What is needed does not answer.
    ResourceUnavailable = 534,
    /// What is needed cannot be given.
    ResourceAllocation = 535,
    /// It is in use.
    ResourceInUse = 536,
    /// It conflicts with a network rule.
    NetworkRuleConflict = 537,
}

impl ErrorCode {
    /// The number.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// The class of CloudStack's exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names of CloudStack's exceptions say it all")]
pub enum CsErrorCode {
    CloudRuntime = 4250,
    CloudException = 4275,
    AccountLimit = 4280,
    AgentUnavailable = 4285,
    Authentication = 4290,
    ConcurrentOperation = 4300,
    InsufficientCapacity = 4325,
    InsufficientStorageCapacity = 4340,
    InvalidParameterValue = 4350,
    PermissionDenied = 4365,
    ResourceAllocation = 4370,
    ResourceInUse = 4375,
    ResourceUnavailable = 4380,
    StorageUnavailable = 4385,
    AsyncCommandQueued = 4540,
    RequestLimit = 4545,
    StorageConflict = 4550,
    UnavailableCommand = 4555,
    OperationTimedOut = 4560,
    /// The API itself says so.
    ServerApi = 9999,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: ErrorCode,
    cs_code: CsErrorCode,
    text: String,
    /// What only the log may say.
    cause: Option<String>,
}

impl ApiError {
    /// An error with a text for the caller.
    pub fn new(code: ErrorCode, cs_code: CsErrorCode, text: impl Into<String>) -> Self {
        Self { code, cs_code, text: text.into(), cause: None }
    }

    /// Who calls is not known. The cause goes to the log only: it would help who guesses.
    pub fn unauthorized(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                ErrorCode::Unauthorized,
                CsErrorCode::Authentication,
                "unable to verify user credentials and/or request signature",
            )
        }
    }

    /// A request that cannot be taken apart.
    pub fn malformed(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::MalformedParameter, CsErrorCode::ServerApi, text)
    }

    /// A parameter that the API itself refuses.
    pub fn parameter(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Parameter, CsErrorCode::ServerApi, text)
    }

    /// A parameter that is missing, in the words that clients' tests look for.
    pub fn missing_parameter(command: &str, name: &str) -> Self {
        Self::parameter(format!(
            "Unable to execute API command {} due to missing parameter {name}",
            command.to_ascii_lowercase()
        ))
    }

    /// A parameter whose value will not do.
    pub fn invalid_parameter(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Parameter, CsErrorCode::InvalidParameterValue, text)
    }

    /// An id of nothing, in the words that clients' tests look for.
    pub fn no_such_entity(name: &str, value: &str) -> Self {
        Self::invalid_parameter(format!(
            "Invalid parameter {name} value={value} due to incorrect long value format, or entity \
             does not exist or due to incorrect parameter annotation for the field in api cmd \
             class."
        ))
    }

    /// A command that there is not.
    pub fn unsupported_action(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnsupportedAction, CsErrorCode::ServerApi, text)
    }

    /// It cannot be done now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::ServiceUnavailable, CsErrorCode::ResourceUnavailable, text)
    }

    /// A failure that is none of the caller's business; the cause goes to the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(ErrorCode::Internal, CsErrorCode::CloudRuntime, "internal error")
        }
    }

    /// Its kind.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What only the log may say.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What the caller is told.
    pub(super) fn told(&self, request: RequestId) -> String {
        match (self.code, &self.cause) {
            (ErrorCode::Internal, Some(_)) => {
                format!("{}; the log of the host tells it under request {request}", self.text)
            }
            _ => self.text.clone(),
        }
    }

    /// The whole answer.
    pub(super) fn wrapped(&self, wrapper: &str, request: RequestId) -> String {
        let code = self.code.number();
        let cs_code = self.cs_code as i32;
        let text = json!(self.told(request));
        // By hand, for the order that CloudStack has.
        format!(
            "{{{wrapper:?}:{{\"uuidList\":[],\"errorcode\":{code},\"cserrorcode\":{cs_code},\
             \"errortext\":{text}}}}}"
        )
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code.number())
    }
}

impl std::error::Error for ApiError {}
