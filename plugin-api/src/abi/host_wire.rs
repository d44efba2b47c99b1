//! The host as a plugin sees it across the boundary, and log messages on their way.

use super::bytes::FfiBytes;
use super::guard::guard;
use super::transport::{BoxFuture, HostTransport};
use super::wire::{HostBox, HostWire, HostWire_TO, WireResult};
use crate::error::{PluginError, PluginResult};
use abi_stable::StableAbi;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RBox, RResult, RString, RVec};
use async_ffi::{FfiFuture, FutureExt};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where the log messages of a plugin go.
pub type Logger = dyn Fn(&LogRecord) + Send + Sync;

/// A log message of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// 1 error … 5 trace.
    pub level: u32,
    /// The module it came from, or `panic`.
    pub target: String,
    /// The message.
    pub message: String,
    /// Key-value pairs beside it.
    pub pairs: Vec<(String, String)>,
}

impl LogRecord {
    /// The level as `log` knows it; an unknown one is an error.
    pub fn log_level(&self) -> log::Level {
        match self.level {
            2 => log::Level::Warn,
            3 => log::Level::Info,
            4 => log::Level::Debug,
            5 => log::Level::Trace,
            _ => log::Level::Error,
        }
    }
}

#[repr(C)]
#[derive(StableAbi)]
pub struct WirePair {
    key: RString,
    value: RString,
}

#[repr(C)]
#[derive(StableAbi)]
pub struct WireLogRecord {
    level: u32,
    target: RString,
    message: RString,
    pairs: RVec<WirePair>,
}

impl From<LogRecord> for WireLogRecord {
    fn from(record: LogRecord) -> Self {
        Self {
            level: record.level,
            target: record.target.into(),
            message: record.message.into(),
            pairs: record
                .pairs
                .into_iter()
                .map(|(key, value)| WirePair { key: key.into(), value: value.into() })
                .collect(),
        }
    }
}

impl From<WireLogRecord> for LogRecord {
    fn from(record: WireLogRecord) -> Self {
        Self {
            level: record.level,
            target: record.target.into_string(),
            message: record.message.into_string(),
            pairs: record
                .pairs
                .into_iter()
                .map(|pair| (pair.key.into_string(), pair.value.into_string()))
                .collect(),
        }
    }
}

/// The host's side.
struct HostSide(Arc<dyn HostTransport>);

/// A host that a plugin can call.
pub fn host_box(host: Arc<dyn HostTransport>) -> HostBox {
    HostWire_TO::from_value(HostSide(host), TD_Opaque)
}

impl HostWire for HostSide {
    fn call(&self, method: u32, body: FfiBytes) -> FfiFuture<WireResult<FfiBytes>> {
        let answer = guard("the host", || Ok(self.0.call(method, body.into())));
        async move {
            let bytes = match answer {
                Ok(answer) => answer.await,
                Err(error) => Err(error),
            };
            wire_result(bytes.map(FfiBytes::from))
        }
        .into_ffi()
    }

    fn log(&self, record: WireLogRecord) {
        // A panicking logger has nowhere to report to; it must not end the process either.
        guard("the host's log", || {
            self.0.log(record.into());
            Ok(())
        })
        .ok();
    }
}

/// The plugin's side: the host's services over the wire.
pub struct PluginSideHost(pub(super) HostBox);

impl HostTransport for PluginSideHost {
    fn call(&self, method: u32, body: Bytes) -> BoxFuture<'static, PluginResult<Bytes>> {
        let answer = self.0.call(method, body.into());
        Box::pin(async move { plain_result(answer.await).map(Bytes::from) })
    }

    fn log(&self, record: LogRecord) {
        self.0.log(record.into());
    }
}

pub fn wire_result<T>(result: PluginResult<T>) -> WireResult<T> {
    match result {
        Ok(value) => RResult::ROk(value),
        Err(error) => RResult::RErr(RBox::new(error.into())),
    }
}

pub fn plain_result<T>(result: WireResult<T>) -> PluginResult<T> {
    match result {
        RResult::ROk(value) => Ok(value),
        RResult::RErr(error) => Err(PluginError::from(RBox::into_inner(error))),
    }
}
