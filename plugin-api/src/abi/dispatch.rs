//! The plugin's side of a call: finds the object, decodes the request, calls the trait.

use super::FfiBytes;
use super::codec::{decode, encode};
use super::contract::{
    CONFIGURE, MANIFEST, OPEN_READER, OPEN_WRITER, Target, dispatch_host_listener, dispatch_image,
    dispatch_life_cycle, dispatch_primary, dispatch_primary_life_cycle, dispatch_vm_snapshot,
    method_name,
};
use super::manifest::Manifest;
use super::records::CallHeader;
use super::runtime::VendorFuture;
use crate::context::{CallContext, StoreContext};
use crate::driver::DataStoreDriver;
use crate::error::{PluginError, PluginResult};
use crate::host_listener::HypervisorHostListener;
use crate::host_services::HostServices;
use crate::provider::{DataStoreProvider, DataStoreProviderType, Driver, LifeCycle};
use crate::stream::{DataReader, OpenedWriter};
use crate::types::DataStore;
use crate::vm_snapshot::VmSnapshotStrategy;
use std::collections::BTreeMap;
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

/// Decoded stores with the bytes they came from. Their keys are mixed already, and most plugins
/// serve few stores: a hash map would take longer to hash the key than this to find it.
type DecodedStores = BTreeMap<u64, (Box<[u8]>, StoreContext)>;

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

/// A call as a provider gets it: its store found, its request still encoded.
pub struct Call {
    pub target: u32,
    pub method: u32,
    pub context: CallContext,
    pub store: StoreContext,
    pub body: FfiBytes,
}

impl Dispatcher {
    pub fn new(provider: Arc<dyn DataStoreProvider>, host: Arc<dyn HostServices>) -> Self {
        Self { provider, host, parts: OnceLock::new(), stores: RwLock::new(BTreeMap::new()) }
    }

    /// Takes over what the caller lent.
    pub fn accept(
        &self,
        header: &CallHeader<'_>,
        store: &[u8],
        body: FfiBytes,
    ) -> PluginResult<Call> {
        let store = self.store(store)?;
        let (target, method) = (header.target, header.method);
        Ok(Call { target, method, context: header.context(), store, body })
    }

    /// A call of a method, which runs when it is polled.
    pub fn call(self: &Arc<Self>, call: Call) -> PluginResult<VendorFuture<FfiBytes>> {
        if call.target == Target::PROVIDER {
            let this = Arc::clone(self);
            return Ok(Box::pin(async move { this.call_provider(call).await }));
        }
        let parts = self.parts()?;
        Ok(match call.target {
            Target::HOST_LISTENER => {
                dispatch_host_listener(present(&parts.host_listener, "host listener")?, call)
            }
            Target::VM_SNAPSHOT_STRATEGY => {
                dispatch_vm_snapshot(present(&parts.vm_snapshot_strategy, "strategy")?, call)
            }
            target if target < Target::PRIMARY_LIFE_CYCLE => match find(&parts.drivers, target)? {
                Driver::Primary(one) => dispatch_primary(Arc::clone(one), call),
                Driver::Image(one) => dispatch_image(Arc::clone(one), call),
            },
            target => match find(&parts.life_cycles, target)? {
                LifeCycle::Primary(one) if call.method >= 500 => {
                    dispatch_primary_life_cycle(Arc::clone(one), call)
                }
                one => dispatch_life_cycle(one.base(), call),
            },
        })
    }

    async fn call_provider(&self, call: Call) -> PluginResult<FfiBytes> {
        let answer = match call.method {
            MANIFEST => encode(&Manifest::of(self.provider.as_ref(), self.parts.get().is_some()))?,
            CONFIGURE => {
                let (settings, host) = (decode(call.body.as_ref())?, Arc::clone(&self.host));
                self.provider
                    .configure(&call.context, settings, host)
                    .await
                    .map_err(|error| error.in_operation(method_name(CONFIGURE)))?;
                let parts = Parts::of(self.provider.as_ref());
                self.parts
                    .set(parts)
                    .map_err(|_| PluginError::conflict("the provider is configured already"))?;
                Vec::new()
            }
            other => {
                let what = format!("the provider has no method {other}");
                return Err(PluginError::unsupported(what));
            }
        };
        Ok(answer.into())
    }

    /// The driver whose stream a call opens.
    pub fn driver(&self, call: &Call) -> PluginResult<Arc<dyn DataStoreDriver>> {
        Ok(find(&self.parts()?.drivers, call.target)?.base())
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
    let (words, _) = bytes[..bytes.len().min(48)].as_chunks::<8>();
    words.iter().fold(bytes.len() as u64, |key, word| {
        (key ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

impl Call {
    /// Opens a reader.
    pub async fn open_reader(
        &self,
        driver: &dyn DataStoreDriver,
    ) -> PluginResult<Box<dyn DataReader>> {
        driver
            .open_reader(&self.context, &self.store, decode(self.body.as_ref())?)
            .await
            .map_err(|error| error.in_operation(method_name(OPEN_READER)))
    }

    /// Opens a writer.
    pub async fn open_writer(&self, driver: &dyn DataStoreDriver) -> PluginResult<OpenedWriter> {
        driver
            .open_writer(&self.context, &self.store, decode(self.body.as_ref())?)
            .await
            .map_err(|error| error.in_operation(method_name(OPEN_WRITER)))
    }
}

fn present<T: ?Sized>(part: &Option<Arc<T>>, what: &str) -> PluginResult<Arc<T>> {
    part.clone().ok_or_else(|| PluginError::unsupported(format!("this provider has no {what}")))
}

fn find<T>(parts: &[(u32, T)], target: u32) -> PluginResult<&T> {
    parts
        .iter()
        .find(|(one, _)| *one == target)
        .map(|(_, part)| part)
        .ok_or_else(|| PluginError::unsupported(format!("this provider has no part {target}")))
}
