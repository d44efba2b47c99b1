//! A provider in a library of this process.

use super::FfiBytes;
use super::host_wire::{host_box, plain_result, wire_result};
use super::records::{CallHeader, OpenOptions};
use super::streams::{HostReader, HostWriter};
use super::transport::{Answering, BoxFuture, HostDispatcher, HostTransport, RawCall, Transport};
use super::wire::{Begun, PluginRoot_Ref, ProviderBox, WireResult};
use crate::error::{PluginError, PluginResult};
use crate::host_services::HostServices;
use crate::stream::{DataReader, OpenedWriter};
use abi_stable::std_types::RSlice;
use async_ffi::{ContextExt, FfiContext, FfiFuture};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Calls a provider across the boundary.
pub struct FfiTransport {
    provider: ProviderBox,
    attach: Box<dyn Fn(Arc<dyn HostServices>) + Send + Sync>,
}

impl FfiTransport {
    /// Opens a library whose root module was checked. Runs the vendor's constructor.
    pub fn open(
        root: PluginRoot_Ref,
        host: Arc<HostDispatcher>,
        options: OpenOptions,
    ) -> PluginResult<Self> {
        let attached = Arc::clone(&host);
        Self::open_raw(root, host, options, move |services| attached.attach(services))
    }

    /// As [`open`](Self::open), where the host's services are reached in another way.
    pub fn open_raw(
        root: PluginRoot_Ref,
        host: Arc<dyn HostTransport>,
        options: OpenOptions,
        attach: impl Fn(Arc<dyn HostServices>) + Send + Sync + 'static,
    ) -> PluginResult<Self> {
        let provider = plain_result((root.open())(host_box(host), options))?;
        Ok(Self { provider, attach: Box::new(attach) })
    }

    /// A provider of this very library, through the whole wire: for tests without a library.
    pub fn of(
        provider: Arc<dyn crate::DataStoreProvider>,
        host: Arc<HostDispatcher>,
        options: &OpenOptions,
    ) -> Self {
        let attached = Arc::clone(&host);
        Self {
            provider: super::export(provider, host, options),
            attach: Box::new(move |services| attached.attach(services)),
        }
    }

    /// Ends the plugin's threads.
    pub fn shut_down(&self) {
        self.provider.shut_down();
    }
}

/// Begins a call on the wire, within a poll of its caller.
type Begin<T> =
    fn(&ProviderBox, &mut FfiContext<'_>, CallHeader<'_>, RSlice<'_, u8>, FfiBytes) -> Begun<T>;

/// A call to a library, from before its beginning to its end.
pub enum LibraryCall<'a, T> {
    New { provider: &'a ProviderBox, begin: Begin<T>, call: RawCall<'a> },
    Running(FfiFuture<WireResult<T>>),
    Ended,
}

impl<T> Future for LibraryCall<'_, T> {
    type Output = PluginResult<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = match this {
            Self::New { provider, begin, call } => {
                let header = CallHeader::new(call.target, call.method, call.context);
                let (store, body) = (call.store.into(), std::mem::take(&mut call.body).into());
                let begun = context
                    .with_ffi_context(|context| begin(provider, context, header, store, body));
                match begun {
                    Begun::Ended(answer) => Poll::Ready(answer),
                    Begun::Running(running) => {
                        *this = Self::Running(running);
                        return Poll::Pending;
                    }
                }
            }
            Self::Running(running) => Pin::new(running).poll(context),
            Self::Ended => Poll::Ready(wire_result(Err(PluginError::internal(
                "a finished call was polled again",
            )))),
        };
        polled.map(|answer| {
            *this = Self::Ended;
            plain_result(answer)
        })
    }
}

impl FfiTransport {
    fn begin<'a, T>(&'a self, call: RawCall<'a>, begin: Begin<T>) -> LibraryCall<'a, T> {
        LibraryCall::New { provider: &self.provider, begin, call }
    }
}

impl Transport for FfiTransport {
    fn call<'a>(&'a self, call: RawCall<'a>) -> Answering<'a> {
        Answering::Library(self.begin(call, ProviderBox::call))
    }

    fn open_reader<'a>(
        &'a self,
        call: RawCall<'a>,
    ) -> BoxFuture<'a, PluginResult<Box<dyn DataReader>>> {
        let opening = self.begin(call, ProviderBox::open_reader);
        Box::pin(async move { Ok(Box::new(HostReader(opening.await?)) as Box<dyn DataReader>) })
    }

    fn open_writer<'a>(&'a self, call: RawCall<'a>) -> BoxFuture<'a, PluginResult<OpenedWriter>> {
        let opening = self.begin(call, ProviderBox::open_writer);
        Box::pin(async move {
            let opened = opening.await?;
            Ok(OpenedWriter::boxed(opened.offset, Box::new(HostWriter(opened.writer))))
        })
    }

    fn attach_host(&self, host: Arc<dyn HostServices>) {
        (self.attach)(host);
    }
}

impl std::fmt::Debug for FfiTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FfiTransport")
    }
}
