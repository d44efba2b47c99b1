//! The typed envelopes of the wire: the header of a call, the error record, the options of open.

use super::bytes::FfiBytes;
use super::cell::CallCell;
use crate::context::CallContext;
use crate::error::{PluginError, PluginErrorKind, Retry};
use abi_stable::StableAbi;
use abi_stable::std_types::{RSlice, RStr, RString, RVec};
use std::time::Duration;
use uuid::Uuid;

/// The header of a call: the context and whom it is for. Lent to the other side, which clones
/// what it keeps.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct CallHeader<'a> {
    operation_id: [u8; 16],
    attempt: u32,
    pub target: u32,
    pub method: u32,
    window_ms: u64,
    log_target: RStr<'a>,
    pub cell: &'a CallCell,
    // Room to grow: this struct crosses by value and can never change.
    extension: RSlice<'a, u8>,
}

impl<'a> CallHeader<'a> {
    pub fn new(target: u32, method: u32, call: &'a CallContext) -> Self {
        Self {
            operation_id: *call.operation_id().as_bytes(),
            attempt: call.attempt(),
            target,
            method,
            window_ms: u64::try_from(call.window().as_millis()).unwrap_or(u64::MAX),
            // Empty for the default one.
            log_target: call.own_log_target().unwrap_or_default().into(),
            cell: call.cell(),
            extension: RSlice::EMPTY,
        }
    }

    pub fn context(&self) -> CallContext {
        let context = CallContext::of_cell(Uuid::from_bytes(self.operation_id), self.cell.clone())
            .attempt_number(self.attempt)
            .no_progress_window(Duration::from_millis(self.window_ms));
        if self.log_target.is_empty() {
            return context;
        }
        context.with_log_target(self.log_target.as_str())
    }
}

#[repr(C)]
#[derive(StableAbi, Clone)]
struct Pair {
    key: RString,
    value: RString,
}

/// A [`PluginError`] on its way.
#[repr(C)]
#[derive(StableAbi)]
pub struct ErrorRecord {
    kind: RString,
    retry: u8,
    retry_after_ms: u64,
    message: RString,
    operation: RString,
    context: RVec<Pair>,
    causes: RVec<RString>,
    extension: FfiBytes,
}

const NEVER: u8 = 0;
const LATER: u8 = 1;
const LATER_AT: u8 = 2;
const EXHAUSTED: u8 = 3;

impl From<PluginError> for ErrorRecord {
    fn from(error: PluginError) -> Self {
        let (retry, retry_after_ms) = match error.retry_hint() {
            Retry::Never => (NEVER, 0),
            Retry::Later { after: None } => (LATER, 0),
            Retry::Later { after: Some(after) } => (LATER_AT, after.as_millis() as u64),
            Retry::Exhausted => (EXHAUSTED, 0),
        };
        Self {
            kind: error.kind().as_str().into(),
            retry,
            retry_after_ms,
            message: error.message().into(),
            operation: error.operation().unwrap_or_default().into(),
            context: error
                .context()
                .iter()
                .map(|(key, value)| Pair { key: key.as_str().into(), value: value.as_str().into() })
                .collect(),
            causes: error.causes().iter().map(|cause| cause.as_str().into()).collect(),
            extension: FfiBytes::empty(),
        }
    }
}

impl From<ErrorRecord> for PluginError {
    fn from(record: ErrorRecord) -> Self {
        let kind = match PluginErrorKind::from_word(&record.kind) {
            // A kind from the future cannot be branched on here.
            PluginErrorKind::Unknown => PluginErrorKind::Internal,
            known => known,
        };
        let mut error = PluginError::new(kind, record.message.as_str()).retry(match record.retry {
            LATER => Retry::Later { after: None },
            LATER_AT => Retry::Later { after: Some(Duration::from_millis(record.retry_after_ms)) },
            EXHAUSTED => Retry::Exhausted,
            _ => Retry::Never,
        });
        if !record.operation.is_empty() {
            error = error.in_operation(&record.operation);
        }
        for Pair { key, value } in &record.context {
            error = error.with(key.as_str(), value);
        }
        for cause in &record.causes {
            error = error.caused_by_text(cause.as_str());
        }
        error
    }
}

/// How a library is opened.
#[repr(C)]
#[derive(StableAbi, Clone)]
pub struct OpenOptions {
    /// The name of the plugin's row; names its threads.
    pub name: RString,
    /// Worker threads of the plugin's runtime.
    pub worker_threads: u32,
    /// The most detailed level that is logged: 0 off, 1 error … 5 trace.
    pub log_level: u32,
    /// Whether calls are polled in place (the process is the plugin's own) or on its runtime.
    pub in_place: bool,
    /// Room to grow.
    pub extension: RVec<u8>,
}

impl OpenOptions {
    pub fn new(name: &str, log_level: log::LevelFilter, in_place: bool) -> Self {
        Self {
            name: name.into(),
            worker_threads: 2,
            log_level: log_level as u32,
            in_place,
            extension: RVec::new(),
        }
    }
}
