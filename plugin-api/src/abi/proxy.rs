//! The host's side of a call: the traits, implemented over a [`Transport`].

use super::codec::{decode, encode};
use super::contract::{CONFIGURE, MANIFEST, Target, method_name};
use super::manifest::Manifest;
use super::transport::{BoxFuture, HostTransport, RawCall, Transport};
use crate::context::{CallContext, StoreContext};
use crate::error::{PluginError, PluginResult};
use crate::host_listener::HypervisorHostListener;
use crate::host_services::HostServices;
use crate::provider::{DataStoreProvider, DataStoreProviderType, Driver, LifeCycle};
use crate::schema::{InputSchema, Settings};
use crate::stream::{DataReader, OpenedWriter};
use crate::types::ScopeType;
use crate::vm_snapshot::VmSnapshotStrategy;
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;

/// One object of a provider: a driver, a life cycle, a listener or a strategy.
#[derive(Clone)]
pub struct Proxy {
    transport: Arc<dyn Transport>,
    target: u32,
}

impl Proxy {
    /// Calls a method with an encoded answer.
    pub(super) fn invoke<'a, T: DeserializeOwned>(
        &'a self,
        method: u32,
        call: &'a CallContext,
        store: Option<&'a StoreContext>,
        body: PluginResult<Vec<u8>>,
    ) -> BoxFuture<'a, PluginResult<T>> {
        let mut running = match self.raw(method, call, store, body) {
            Ok(raw) => self.transport.call(raw),
            Err(error) => return Box::pin(async { Err(error) }),
        };
        Box::pin(async move {
            // Most answers from memory are there at once: for them no timer is set.
            let answer = match at_once(&mut running).await {
                Poll::Ready(answer) => answer,
                // In a box of its own, so that the future of those others is small.
                Poll::Pending => Box::pin(within_window(method, call, running)).await,
            };
            decode(answer?.as_ref())
        })
    }

    pub(super) fn invoke_reader<'a>(
        &'a self,
        method: u32,
        call: &'a CallContext,
        store: &'a StoreContext,
        body: PluginResult<Vec<u8>>,
    ) -> BoxFuture<'a, PluginResult<Box<dyn DataReader>>> {
        Box::pin(async move {
            let raw = self.raw(method, call, Some(store), body)?;
            within_window(method, call, self.transport.open_reader(raw)).await
        })
    }

    pub(super) fn invoke_writer<'a>(
        &'a self,
        method: u32,
        call: &'a CallContext,
        store: &'a StoreContext,
        body: PluginResult<Vec<u8>>,
    ) -> BoxFuture<'a, PluginResult<OpenedWriter>> {
        Box::pin(async move {
            let raw = self.raw(method, call, Some(store), body)?;
            within_window(method, call, self.transport.open_writer(raw)).await
        })
    }

    fn raw<'a>(
        &self,
        method: u32,
        context: &'a CallContext,
        store: Option<&'a StoreContext>,
        body: PluginResult<Vec<u8>>,
    ) -> PluginResult<RawCall<'a>> {
        let store = store.map(|store| store.encoded(|store| encode(store).unwrap_or_default()));
        let (target, store) = (self.target, store.unwrap_or_default());
        Ok(RawCall { target, method, context, store, body: body? })
    }
}

/// Polls a call once.
async fn at_once<T>(
    running: &mut (impl Future<Output = PluginResult<T>> + Unpin),
) -> Poll<PluginResult<T>> {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *running).poll(context))).await
}

/// Waits for a call as long as it makes progress; gives it up after a window without any.
///
/// A call that was given up may still take effect: the host asks `describe` before it goes on.
async fn within_window<T>(
    method: u32,
    call: &CallContext,
    mut running: impl Future<Output = PluginResult<T>> + Unpin,
) -> PluginResult<T> {
    let mut reports = call.progress().reports;
    loop {
        match tokio::time::timeout(call.window(), &mut running).await {
            Ok(outcome) => return outcome,
            Err(_) => {
                let now = call.progress().reports;
                if now == reports {
                    call.cancel();
                    return Err(PluginError::timeout(format!(
                        "no progress for {:?}; the call was given up",
                        call.window()
                    ))
                    .in_operation(method_name(method)));
                }
                reports = now;
            }
        }
    }
}

/// A provider behind a transport: what the host's registry holds for a loaded plugin.
pub struct RemoteProvider {
    transport: Arc<dyn Transport>,
    manifest: RwLock<Manifest>,
}

impl RemoteProvider {
    /// Asks the provider for what it answers from memory.
    pub async fn connect(transport: Arc<dyn Transport>, call: &CallContext) -> PluginResult<Self> {
        let manifest = RwLock::new(ask_manifest(&transport, call).await?);
        Ok(Self { transport, manifest })
    }

    /// What the provider answered.
    pub fn manifest(&self) -> Manifest {
        self.read(Manifest::clone)
    }

    fn read<T>(&self, of: impl FnOnce(&Manifest) -> T) -> T {
        of(&self.manifest.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn proxy(&self, target: u32) -> Arc<Proxy> {
        Arc::new(Proxy { transport: Arc::clone(&self.transport), target })
    }
}

async fn ask_manifest(
    transport: &Arc<dyn Transport>,
    call: &CallContext,
) -> PluginResult<Manifest> {
    let provider = Proxy { transport: Arc::clone(transport), target: Target::PROVIDER };
    provider.invoke(MANIFEST, call, None, Ok(Vec::new())).await
}

#[async_trait]
impl DataStoreProvider for RemoteProvider {
    fn get_name(&self) -> String {
        self.read(|manifest| manifest.name.clone())
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        self.read(|manifest| manifest.types.clone())
    }

    fn get_settings_schema(&self) -> InputSchema {
        self.read(|manifest| manifest.settings_schema.clone())
    }

    fn get_input_schema(&self, provider_type: DataStoreProviderType) -> InputSchema {
        self.read(|manifest| {
            manifest
                .input_schemas
                .iter()
                .find(|(one, _)| *one == provider_type)
                .map_or_else(InputSchema::empty, |(_, schema)| schema.clone())
        })
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        self.read(|manifest| manifest.scopes.contains(&scope))
    }

    fn need_download_sys_template(&self) -> bool {
        self.read(|manifest| manifest.need_download_sys_template)
    }

    async fn configure(
        &self,
        call: &CallContext,
        settings: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()> {
        self.transport.attach_host(host);
        let provider = self.proxy(Target::PROVIDER);
        provider.invoke::<()>(CONFIGURE, call, None, encode(&settings)).await?;
        let configured = ask_manifest(&self.transport, call).await?;
        *self.manifest.write().unwrap_or_else(PoisonError::into_inner) = configured;
        Ok(())
    }

    fn get_data_store_driver(&self, provider_type: DataStoreProviderType) -> Option<Driver> {
        let target = Target::driver_of(provider_type)?;
        self.read(|manifest| manifest.drivers.contains(&provider_type)).then(|| match provider_type
        {
            DataStoreProviderType::Primary => Driver::Primary(self.proxy(target)),
            _ => Driver::Image(self.proxy(target)),
        })
    }

    fn get_data_store_life_cycle(&self, provider_type: DataStoreProviderType) -> Option<LifeCycle> {
        let target = Target::life_cycle_of(provider_type)?;
        self.read(|manifest| manifest.life_cycles.contains(&provider_type)).then(|| {
            match provider_type {
                DataStoreProviderType::Primary => LifeCycle::Primary(self.proxy(target)),
                _ => LifeCycle::Image(self.proxy(target)),
            }
        })
    }

    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        self.read(|manifest| manifest.host_listener)
            .then(|| self.proxy(Target::HOST_LISTENER) as Arc<dyn HypervisorHostListener>)
    }

    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        self.read(|manifest| manifest.vm_snapshot_strategy)
            .then(|| self.proxy(Target::VM_SNAPSHOT_STRATEGY) as Arc<dyn VmSnapshotStrategy>)
    }
}

/// The host's services, seen from a plugin.
pub struct HostProxy {
    transport: Arc<dyn HostTransport>,
}

impl HostProxy {
    pub(super) fn new(transport: Arc<dyn HostTransport>) -> Self {
        Self { transport }
    }

    pub(super) async fn invoke<T: DeserializeOwned>(
        &self,
        method: u32,
        body: PluginResult<Vec<u8>>,
    ) -> PluginResult<T> {
        decode(&self.transport.call(method, body?.into()).await?)
    }
}
