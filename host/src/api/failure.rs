//! From a failure of the rooms below to CloudStack's numbers: one row for each kind.

use super::error::{ApiError, CsErrorCode, ErrorCode};
use crate::jobs::StepError;
use crate::model::Failure;
use crate::store::StoreError;
use storage_plugin_api::PluginErrorKind;

/// The numbers of a kind of failure.
pub(super) const fn numbers(kind: PluginErrorKind) -> (ErrorCode, CsErrorCode) {
    use PluginErrorKind as Kind;
    match kind {
        Kind::InvalidArgument | Kind::InvalidConfig | Kind::NotFound | Kind::Conflict => {
            (ErrorCode::Parameter, CsErrorCode::InvalidParameterValue)
        }
        Kind::Unsupported => (ErrorCode::Parameter, CsErrorCode::UnavailableCommand),
        Kind::AlreadyExists => (ErrorCode::Parameter, CsErrorCode::StorageConflict),
        Kind::InUse => (ErrorCode::ResourceInUse, CsErrorCode::ResourceInUse),
        Kind::CapacityExceeded => {
            (ErrorCode::InsufficientCapacity, CsErrorCode::InsufficientStorageCapacity)
        }
        Kind::Unavailable | Kind::RateLimited => {
            (ErrorCode::ResourceUnavailable, CsErrorCode::StorageUnavailable)
        }
        Kind::Timeout => (ErrorCode::ResourceUnavailable, CsErrorCode::OperationTimedOut),
        // Of the back end, not of this API: the caller may do it, the host may not.
        Kind::Unauthenticated | Kind::PermissionDenied => {
            (ErrorCode::Internal, CsErrorCode::StorageUnavailable)
        }
        _ => (ErrorCode::Internal, CsErrorCode::CloudRuntime),
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let (code, cs_code) = numbers(failure.kind);
        Self::new(code, cs_code, failure.message)
    }
}

impl From<StepError> for ApiError {
    fn from(error: StepError) -> Self {
        error.failure.into()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_can_mend_is_never_an_internal_error() {
        use PluginErrorKind as Kind;
        for kind in [Kind::InvalidArgument, Kind::NotFound, Kind::InUse, Kind::CapacityExceeded] {
            assert_ne!(numbers(kind).0, ErrorCode::Internal, "{kind}");
        }
    }
}
