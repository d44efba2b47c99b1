//! What lies between a proxy and a provider: a library in this process, or a socket to another.

use super::FfiBytes;
use super::contract::{dispatch_host, host_method_name};
use super::ffi_transport::LibraryCall;
use super::guard::panicked;
use super::host_wire::LogRecord;
use crate::context::CallContext;
use crate::error::{PluginError, PluginResult};
use crate::host_services::HostServices;
use crate::stream::{DataReader, OpenedWriter};
use bytes::Bytes;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a plugin's futures are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// On the plugin's own runtime: what blocks there blocks nothing else.
    OwnRuntime,
    /// On the thread that polls, inside the plugin's runtime context: for a process that is the
    /// plugin's own.
    InPlace,
}

/// A call of a contract method, encoded. What outlives the answer of most calls is only lent.
#[derive(Debug, Clone)]
pub struct RawCall<'a> {
    /// Which object of the provider.
    pub target: u32,
    /// Which method of it.
    pub method: u32,
    /// The context.
    pub context: &'a CallContext,
    /// The encoded store, the same for every call on it; empty for methods without one.
    pub store: &'a [u8],
    /// The encoded request, empty for methods without one.
    pub body: Vec<u8>,
}

/// Carries calls to a provider. A call begins when its future is polled first.
pub trait Transport: Send + Sync + 'static {
    /// A call with an encoded answer.
    fn call<'a>(&'a self, call: RawCall<'a>) -> Answering<'a>;

    /// A call that opens a reader.
    fn open_reader<'a>(
        &'a self,
        call: RawCall<'a>,
    ) -> BoxFuture<'a, PluginResult<Box<dyn DataReader>>>;

    /// A call that opens a writer.
    fn open_writer<'a>(&'a self, call: RawCall<'a>) -> BoxFuture<'a, PluginResult<OpenedWriter>>;

    /// Gives the provider the host's services; before `configure`.
    fn attach_host(&self, host: Arc<dyn HostServices>);
}

/// A call under way: to a library, without a box, or a future of another transport.
pub enum Answering<'a> {
    Library(LibraryCall<'a, FfiBytes>),
    Other(BoxFuture<'a, PluginResult<FfiBytes>>),
}

impl Future for Answering<'_> {
    type Output = PluginResult<FfiBytes>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Library(answer) => Pin::new(answer).poll(context),
            Self::Other(answer) => answer.as_mut().poll(context),
        }
    }
}

/// Carries what a plugin asks of the host.
pub trait HostTransport: Send + Sync + 'static {
    /// A call of a [`HostServices`] method, encoded.
    fn call(&self, method: u32, body: Bytes) -> BoxFuture<'static, PluginResult<Bytes>>;

    /// A log message of the plugin.
    fn log(&self, record: LogRecord);
}

/// Answers what a plugin asks, with the host's services once they are attached.
pub struct HostDispatcher {
    services: OnceLock<Arc<dyn HostServices>>,
    logger: Box<super::Logger>,
}

impl HostDispatcher {
    /// A dispatcher without services yet; log messages go to `logger` at once.
    pub fn new(logger: Box<super::Logger>) -> Self {
        Self { services: OnceLock::new(), logger }
    }

    /// Attaches the services. The first ones stay.
    pub fn attach(&self, services: Arc<dyn HostServices>) {
        self.services.get_or_init(|| services);
    }
}

impl HostTransport for HostDispatcher {
    fn call(&self, method: u32, body: Bytes) -> BoxFuture<'static, PluginResult<Bytes>> {
        let services = self.services.get().cloned();
        Box::pin(async move {
            let Some(services) = services else {
                return Err(PluginError::conflict(
                    "host services can be used from configure on, not before",
                ));
            };
            let answer = CatchUnwind(Box::pin(dispatch_host(services, method, body)));
            let answer = answer.await;
            answer
                .unwrap_or_else(|panic| Err(panicked(host_method_name(method), panic)))
                .map(Bytes::from)
        })
    }

    fn log(&self, record: LogRecord) {
        (self.logger)(&record);
    }
}

/// A future whose panics are its error.
pub(super) struct CatchUnwind<F>(pub(super) F);

impl<F: Future + Unpin> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Box<dyn std::any::Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = Pin::new(&mut self.0);
        match std::panic::catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
