//! The plugin's side of the wire: what `export_plugin!` exports.

use super::bytes::FfiBytes;
use super::dispatch::{Call, Dispatcher};
use super::guard::{drop_guarded, guard};
use super::host_wire::{LogRecord, PluginSideHost, wire_result};
use super::proxy::HostProxy;
use super::records::{CallHeader, OpenOptions};
use super::runtime::{PluginRuntime, Started, VendorFuture};
use super::streams::{reader_box, writer_box};
use super::transport::{Dispatch, HostTransport};
use super::wire::{
    Begun, HostBox, PluginRoot, PluginRoot_Ref, ProviderBox, ProviderWire, ProviderWire_TO,
    ReaderBox, WireResult, WireWriter,
};
use crate::error::PluginResult;
use crate::provider::DataStoreProvider;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::RSlice;
use async_ffi::{FfiContext, FutureExt};
use std::backtrace::Backtrace;
use std::sync::{Arc, OnceLock};

/// The function of the root module that builds the provider.
pub type Open = extern "C" fn(HostBox, OpenOptions) -> WireResult<ProviderBox>;

/// The root module of a library.
pub fn root_module(open: Open) -> PluginRoot_Ref {
    PluginRoot { open, abi_revision: super::ABI_REVISION }.leak_into_prefix()
}

/// What the exported `open` does: takes over the library's log and panics, builds the provider.
pub fn open<P: DataStoreProvider>(
    factory: impl FnOnce() -> P,
    host: HostBox,
    options: OpenOptions,
) -> WireResult<ProviderBox> {
    wire_result(guard("opening the library", || {
        let host: Arc<dyn HostTransport> = Arc::new(PluginSideHost(host));
        forward_log(&host, options.log_level);
        forward_panics(&host);
        let provider = guard("the provider's constructor", || Ok(factory()))?;
        Ok(export(Arc::new(provider), host, &options))
    }))
}

/// A provider as a wire object. Does not touch the process's log and panic hook.
pub fn export(
    provider: Arc<dyn DataStoreProvider>,
    host: Arc<dyn HostTransport>,
    options: &OpenOptions,
) -> ProviderBox {
    let dispatch = if options.in_place { Dispatch::InPlace } else { Dispatch::OwnRuntime };
    let services = Arc::new(HostProxy::new(host));
    let exported = Exported {
        runtime: Arc::new(PluginRuntime::new(
            &options.name,
            options.worker_threads as usize,
            dispatch,
        )),
        dispatcher: Some(Arc::new(Dispatcher::new(provider, services))),
    };
    ProviderWire_TO::from_value(exported, TD_Opaque)
}

struct Exported {
    runtime: Arc<PluginRuntime>,
    // An option only so that its drop, which runs vendor code, can be guarded.
    dispatcher: Option<Arc<Dispatcher>>,
}

impl Exported {
    fn dispatcher(&self) -> &Arc<Dispatcher> {
        match &self.dispatcher {
            Some(dispatcher) => dispatcher,
            None => unreachable!("taken only in drop"),
        }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        drop_guarded(self.dispatcher.take());
    }
}

impl Exported {
    /// Accepts a call and polls what it makes of it once.
    fn begin<T: Send + 'static>(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
        future: impl FnOnce(&Arc<Dispatcher>, Call) -> PluginResult<VendorFuture<T>>,
    ) -> Begun<T> {
        let started = guard("accepting a call", || {
            let dispatcher = self.dispatcher();
            let call = dispatcher.accept(&header, store.as_slice(), body)?;
            let future = future(dispatcher, call)?;
            context.with_context(|context| {
                self.runtime.start(header.method, header.cell, future, context)
            })
        });
        match started {
            Ok(Started::Ended(outcome)) => Begun::Ended(wire_result(outcome)),
            Ok(Started::Running(running)) => {
                Begun::Running(async move { wire_result(running.await) }.into_ffi())
            }
            Err(error) => Begun::Ended(wire_result(Err(error))),
        }
    }
}

impl ProviderWire for Exported {
    fn call(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<FfiBytes> {
        self.begin(context, header, store, body, Dispatcher::call)
    }

    fn open_reader(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<ReaderBox> {
        self.begin(context, header, store, body, |dispatcher, call| {
            let (driver, runtime) = (dispatcher.driver(&call)?, Arc::clone(&self.runtime));
            Ok(Box::pin(
                async move { reader_box(call.open_reader(driver.as_ref()).await?, &runtime) },
            ))
        })
    }

    fn open_writer(
        &self,
        context: &mut FfiContext<'_>,
        header: CallHeader<'_>,
        store: RSlice<'_, u8>,
        body: FfiBytes,
    ) -> Begun<WireWriter> {
        self.begin(context, header, store, body, |dispatcher, call| {
            let (driver, runtime) = (dispatcher.driver(&call)?, Arc::clone(&self.runtime));
            Ok(Box::pin(async move {
                let opened = call.open_writer(driver.as_ref()).await?;
                let writer = writer_box(opened.writer, &runtime)?;
                Ok(WireWriter { offset: opened.offset, writer })
            }))
        })
    }

    fn shut_down(&self) {
        self.runtime.shut_down();
    }
}

/// The library's log goes to the host: its `log` statics are not the host's.
fn forward_log(host: &Arc<dyn HostTransport>, level: u32) {
    static FORWARD: OnceLock<ForwardLog> = OnceLock::new();
    let forward = FORWARD.get_or_init(|| ForwardLog(Arc::clone(host)));
    // Fails where the vendor's constructor already set a logger: then its log is its own affair.
    log::set_logger(forward).ok();
    log::set_max_level(match level {
        0 => log::LevelFilter::Off,
        1 => log::LevelFilter::Error,
        2 => log::LevelFilter::Warn,
        3 => log::LevelFilter::Info,
        4 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    });
}

struct ForwardLog(Arc<dyn HostTransport>);

impl log::Log for ForwardLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut pairs = Pairs(Vec::new());
        // The visitor never fails.
        record.key_values().visit(&mut pairs).ok();
        self.0.log(LogRecord {
            level: record.level() as u32,
            target: record.target().to_owned(),
            message: record.args().to_string(),
            pairs: pairs.0,
        });
    }

    fn flush(&self) {}
}

struct Pairs(Vec<(String, String)>);

impl<'kvs> log::kv::VisitSource<'kvs> for Pairs {
    fn visit_pair(
        &mut self,
        key: log::kv::Key<'kvs>,
        value: log::kv::Value<'kvs>,
    ) -> Result<(), log::kv::Error> {
        self.0.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

/// Panics of the library are told to the host with their place: its panic hook is not the host's.
fn forward_panics(host: &Arc<dyn HostTransport>) {
    static FORWARDED: OnceLock<()> = OnceLock::new();
    let host = Arc::clone(host);
    FORWARDED.get_or_init(|| {
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let backtrace = Backtrace::capture();
            let mut pairs =
                vec![("thread".to_owned(), thread.name().unwrap_or("unnamed").to_owned())];
            if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
                pairs.push(("backtrace".to_owned(), backtrace.to_string()));
            }
            host.log(LogRecord {
                level: log::Level::Error as u32,
                target: "panic".to_owned(),
                message: panic.to_string(),
                pairs,
            });
        }));
    });
}
