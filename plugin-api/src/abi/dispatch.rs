//! The plugin's side of a call: finds the object, decodes the request, calls the trait.

use super::codec::{decode, encode};
use super::contract::{
    self, CONFIGURE, MANIFEST, Target, dispatch_host_listener, dispatch_image, dispatch_life_cycle,
    dispatch_primary, dispatch_primary_life_cycle, dispatch_vm_snapshot,
};
use super::manifest::Manifest;
use crate::context::{CallContext, StoreContext};
use crate::driver::DataStoreDriver;
use crate::error::{PluginError, PluginResult};
use crate::host_listener::HypervisorHostListener;
use crate::host_services::HostServices;
use crate::provider::{DataStoreProvider, DataStoreProviderType, Driver, LifeCycle};
use crate::stream::{DataReader, OpenedWriter};
use crate::types::DataStore;
use crate::vm_snapshot::VmSnapshotStrategy;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// How many decoded stores are kept. Each is a few hundred bytes.
const STORES_KEPT: usize = 1024;

/// A provider that takes encoded calls.
pub struct Dispatcher {
    provider: Arc<dyn DataStoreProvider>,
    host: Arc<dyn HostServices>,
    parts: OnceLock<Parts>,
    stores: RwLock<DecodedStores>,
}

/// Decoded stores with the bytes they came from.
type DecodedStores = HashMap<u64, (Box<[u8]>, StoreContext)>;

/// What the provider gave after configure; kept, so that its getters are called once.
struct Parts {
    drivers: Vec<(u32, Driver)>,
    life_cycles: Vec<(u32, LifeCycle)>,
    host_listener: Option<Arc<dyn HypervisorHostListener>>,
    vm_snapshot_strategy: Option<Arc<dyn VmSnapshotStrategy>>,
}

impl Parts {
    fn of(provider: &dyn DataStoreProvider) -> Self {
        let types: Vec<DataStoreProviderType> = provider.get_types();
        Self {
            drivers: types
                .iter()
                .filter_map(|one| {
                    Some((Target::driver_of(*one)?, provider.get_data_store_driver(*one)?))
                })
                .collect(),
            life_cycles: types
                .iter()
                .filter_map(|one| {
                    Some((Target::life_cycle_of(*one)?, provider.get_data_store_life_cycle(*one)?))
                })
                .collect(),
            host_listener: provider.get_host_listener(),
            vm_snapshot_strategy: provider.get_vm_snapshot_strategy(),
        }
    }
}

impl Dispatcher {
    pub fn new(provider: Arc<dyn DataStoreProvider>, host: Arc<dyn HostServices>) -> Self {
        Self { provider, host, parts: OnceLock::new(), stores: RwLock::new(HashMap::new()) }
    }

    /// Calls a method and encodes its answer.
    pub async fn call(
        &self,
        target: u32,
        method: u32,
        call: CallContext,
        store: &[u8],
        body: &[u8],
    ) -> PluginResult<Vec<u8>> {
        if target == Target::PROVIDER {
            return self.call_provider(method, &call, body).await;
        }
        let parts = self.parts()?;
        let store = &self.store(store)?;
        match target {
            Target::HOST_LISTENER => {
                let listener = present(parts.host_listener.as_deref(), "host listener")?;
                dispatch_host_listener(listener, method, &call, store, body).await
            }
            Target::VM_SNAPSHOT_STRATEGY => {
                let strategy = present(parts.vm_snapshot_strategy.as_deref(), "strategy")?;
                dispatch_vm_snapshot(strategy, method, &call, store, body).await
            }
            _ if target < Target::PRIMARY_LIFE_CYCLE => match find(&parts.drivers, target)? {
                Driver::Primary(one) => {
                    dispatch_primary(one.as_ref(), method, &call, store, body).await
                }
                Driver::Image(one) => {
                    dispatch_image(one.as_ref(), method, &call, store, body).await
                }
            },
            _ => match find(&parts.life_cycles, target)? {
                LifeCycle::Primary(one) if method >= 500 => {
                    dispatch_primary_life_cycle(one.as_ref(), method, &call, store, body).await
                }
                LifeCycle::Primary(one) => {
                    dispatch_life_cycle(one.as_ref(), method, &call, store, body).await
                }
                LifeCycle::Image(one) => {
                    dispatch_life_cycle(one.as_ref(), method, &call, store, body).await
                }
            },
        }
    }

    async fn call_provider(
        &self,
        method: u32,
        call: &CallContext,
        body: &[u8],
    ) -> PluginResult<Vec<u8>> {
        match method {
            MANIFEST => encode(&Manifest::of(self.provider.as_ref(), self.parts.get().is_some())),
            CONFIGURE => {
                let host = Arc::clone(&self.host);
                self.provider
                    .configure(call, decode(body)?, host)
                    .await
                    .map_err(|error| error.in_operation("configure"))?;
                let parts = Parts::of(self.provider.as_ref());
                self.parts
                    .set(parts)
                    .map_err(|_| PluginError::conflict("the provider is configured already"))?;
                Ok(Vec::new())
            }
            other => Err(PluginError::unsupported(format!("the provider has no method {other}"))),
        }
    }

    /// Opens a reader.
    pub async fn open_reader(
        &self,
        target: u32,
        call: CallContext,
        store: &[u8],
        body: &[u8],
    ) -> PluginResult<Box<dyn DataReader>> {
        let driver = self.driver(target)?;
        let store = self.store(store)?;
        driver
            .open_reader(&call, &store, decode(body)?)
            .await
            .map_err(|error| error.in_operation(contract::method_name(contract::OPEN_READER)))
    }

    /// Opens a writer.
    pub async fn open_writer(
        &self,
        target: u32,
        call: CallContext,
        store: &[u8],
        body: &[u8],
    ) -> PluginResult<OpenedWriter> {
        let driver = self.driver(target)?;
        let store = self.store(store)?;
        driver
            .open_writer(&call, &store, decode(body)?)
            .await
            .map_err(|error| error.in_operation(contract::method_name(contract::OPEN_WRITER)))
    }

    fn driver(&self, target: u32) -> PluginResult<Arc<dyn DataStoreDriver>> {
        Ok(find(&self.parts()?.drivers, target)?.base())
    }

    fn parts(&self) -> PluginResult<&Parts> {
        self.parts.get().ok_or_else(|| PluginError::conflict("the provider is not configured yet"))
    }

    /// The store of a call. Every call on a store brings the same bytes, so they are decoded once.
    fn store(&self, bytes: &[u8]) -> PluginResult<StoreContext> {
        if bytes.is_empty() {
            static NO_STORE: OnceLock<StoreContext> = OnceLock::new();
            return Ok(NO_STORE.get_or_init(|| StoreContext::new(DataStore::default())).clone());
        }
        let key = key_of(bytes);
        {
            let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
            let known = stores.get(&key).filter(|(known, _)| **known == *bytes);
            if let Some((_, store)) = known {
                return Ok(store.clone());
            }
        }
        let store = StoreContext::new(decode(bytes)?);
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        if stores.len() >= STORES_KEPT {
            stores.clear();
        }
        stores.insert(key, (bytes.into(), store.clone()));
        Ok(store)
    }
}

/// Where the decoded store of some bytes is kept. The id of a store is at their beginning; whether
/// what is kept there is of these very bytes is compared afterwards.
fn key_of(bytes: &[u8]) -> u64 {
    let beginning = &bytes[..bytes.len().min(48)];
    beginning.chunks(8).fold(bytes.len() as u64, |key, chunk| {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        (key ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

fn present<'a, T: ?Sized>(part: Option<&'a T>, what: &str) -> PluginResult<&'a T> {
    part.ok_or_else(|| PluginError::unsupported(format!("this provider has no {what}")))
}

fn find<T>(parts: &[(u32, T)], target: u32) -> PluginResult<&T> {
    parts
        .iter()
        .find(|(one, _)| *one == target)
        .map(|(_, part)| part)
        .ok_or_else(|| PluginError::unsupported(format!("this provider has no part {target}")))
}
