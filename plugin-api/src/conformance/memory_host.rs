//! A host for tests: everything a plugin may ask, answered from memory.

use crate::{
    CapacityReport, DataStore, DataStoreProviderType, DetailKey, DetailOwner, Details,
    HostServices, HypervisorHost, ListDetailsRequest, ListHostsRequest, PluginError, PluginResult,
    Scope, ScopeType, Secret, SetDetailRequest,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The largest value that a host keeps.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// Registers drivers, keeps details in memory, knows the hosts and stores it was told of, and has
/// a temporary directory that goes when it is dropped.
pub struct MemoryHost {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    registered: Vec<DataStoreProviderType>,
    details: BTreeMap<(DetailOwner, Uuid, String), Secret>,
    hosts: Vec<HypervisorHost>,
    stores: Vec<DataStore>,
    capacity: Vec<CapacityReport>,
}

impl MemoryHost {
    /// A host whose temporary directory bears the name of a run.
    pub fn new(run: &str) -> Self {
        Self {
            directory: std::env::temp_dir().join(format!("conf-{run}")),
            state: Mutex::default(),
        }
    }

    /// Makes a hypervisor host known.
    pub fn add_host(&self, host: HypervisorHost) {
        self.lock().hosts.push(host);
    }

    /// Makes a store known.
    pub fn add_store(&self, store: DataStore) {
        self.lock().stores.push(store);
    }

    /// The types that were registered, in order.
    pub fn registered(&self) -> Vec<DataStoreProviderType> {
        self.lock().registered.clone()
    }

    /// The reports of capacity, in order.
    pub fn capacity_reports(&self) -> Vec<CapacityReport> {
        self.lock().capacity.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryHost {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// Removes a directory that may not be there; what resists is left to the system.
fn remove(directory: &Path) {
    if directory.exists() {
        std::fs::remove_dir_all(directory).ok();
    }
}

impl fmt::Debug for MemoryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHost").field("registered", &self.registered()).finish_non_exhaustive()
    }
}

fn key(at: DetailKey) -> (DetailOwner, Uuid, String) {
    (at.owner, at.uuid, at.key)
}

#[async_trait]
impl HostServices for MemoryHost {
    async fn register_driver(&self, provider_type: DataStoreProviderType) -> PluginResult<()> {
        let mut state = self.lock();
        if state.registered.contains(&provider_type) {
            return Err(PluginError::conflict(format!(
                "the driver of {provider_type} is registered already"
            )));
        }
        state.registered.push(provider_type);
        Ok(())
    }

    async fn get_detail(&self, at: DetailKey) -> PluginResult<Option<Secret>> {
        Ok(self.lock().details.get(&key(at)).cloned())
    }

    async fn set_detail(&self, request: SetDetailRequest) -> PluginResult<()> {
        if request.value.expose().len() > MAX_VALUE_BYTES {
            return Err(PluginError::capacity_exceeded(format!(
                "the value of {:?} is longer than {MAX_VALUE_BYTES} bytes",
                request.at.key
            )));
        }
        self.lock().details.insert(key(request.at), request.value);
        Ok(())
    }

    async fn remove_detail(&self, at: DetailKey) -> PluginResult<()> {
        self.lock().details.remove(&key(at));
        Ok(())
    }

    async fn list_details(&self, request: ListDetailsRequest) -> PluginResult<Details> {
        let state = self.lock();
        Ok(state
            .details
            .iter()
            .filter(|((owner, uuid, _), _)| (*owner, *uuid) == (request.owner, request.uuid))
            .map(|((_, _, key), value)| (key.clone(), value.expose()))
            .collect())
    }

    async fn find_host(&self, uuid: Uuid) -> PluginResult<Option<HypervisorHost>> {
        let state = self.lock();
        Ok(state.hosts.iter().find(|host| host.uuid == uuid).cloned())
    }

    async fn list_hosts(&self, request: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        let state = self.lock();
        let hosts = state.hosts.iter();
        Ok(hosts.filter(|host| is_in(host, &request.scope)).cloned().collect())
    }

    async fn find_store(&self, uuid: Uuid) -> PluginResult<Option<DataStore>> {
        let state = self.lock();
        Ok(state.stores.iter().find(|one| one.uuid == uuid).cloned())
    }

    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()> {
        let mut state = self.lock();
        if !state.stores.iter().any(|store| store.uuid == report.store) {
            return Err(PluginError::not_found(format!("there is no store {}", report.store)));
        }
        state.capacity.push(report);
        Ok(())
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|error| PluginError::from_io("cannot make a temporary directory", &error))?;
        Ok(self.directory.to_string_lossy().into_owned())
    }
}

/// Whether a host is in a scope. A host that says nothing of its place is everywhere.
fn is_in(host: &HypervisorHost, scope: &Scope) -> bool {
    let same = |of_host: Option<Uuid>, wanted: Option<Uuid>| match (of_host, wanted) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    match scope.scope_type {
        ScopeType::Host => same(Some(host.uuid), scope.host_id),
        ScopeType::Cluster => same(host.cluster_id, scope.cluster_id),
        ScopeType::Zone => same(host.zone_id, scope.zone_id),
        _ => true,
    }
}
