//! A provider in a library of this process.

use super::FfiBytes;
use super::host_wire::{host_box, plain_result};
use super::records::{CallHeader, OpenOptions};
use super::streams::{HostReader, HostWriter};
use super::transport::{Answering, BoxFuture, HostDispatcher, HostTransport, RawCall, Transport};
use super::wire::{PluginRoot_Ref, ProviderBox};
use crate::error::PluginResult;
use crate::host_services::HostServices;
use crate::stream::{DataReader, OpenedWriter};
use std::sync::Arc;

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

fn header(call: &RawCall) -> CallHeader {
    CallHeader::new(call.target, call.method, &call.context)
}

fn store_bytes(store: Option<Arc<Vec<u8>>>) -> FfiBytes {
    store.map_or_else(FfiBytes::empty, FfiBytes::from)
}

impl Transport for FfiTransport {
    fn call(&self, call: RawCall) -> Answering<'_> {
        let header = header(&call);
        Answering::Library(self.provider.call(header, store_bytes(call.store), call.body.into()))
    }

    fn open_reader(&self, call: RawCall) -> BoxFuture<'_, PluginResult<Box<dyn DataReader>>> {
        let header = header(&call);
        let answer = self.provider.open_reader(header, store_bytes(call.store), call.body.into());
        Box::pin(async move {
            let reader = plain_result(answer.await)?;
            Ok(Box::new(HostReader(reader)) as Box<dyn DataReader>)
        })
    }

    fn open_writer(&self, call: RawCall) -> BoxFuture<'_, PluginResult<OpenedWriter>> {
        let header = header(&call);
        let answer = self.provider.open_writer(header, store_bytes(call.store), call.body.into());
        Box::pin(async move {
            let opened = plain_result(answer.await)?;
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
