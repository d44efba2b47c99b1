//! The host's services for one plugin: its durable details, a directory, look-ups.

use crate::model::{Host, StoragePool};
use crate::orchestration::take_report;
use crate::store::{Filter, Repository, StoreError};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CapacityReport, DataStore, DataStoreProviderType, DetailKey, Details, HostServices,
    HypervisorHost, ListDetailsRequest, ListHostsRequest, PluginError, PluginResult, Secret,
    SetDetailRequest,
};

/// What one plugin may ask of the host. It sees no other plugin's details.
pub struct PluginServices {
    plugin: String,
    provider: String,
    repository: Arc<dyn Repository>,
    temporary: PathBuf,
}

impl PluginServices {
    /// Services for the plugin of a row, and the stores of its provider.
    pub fn new(
        plugin: &str,
        provider: &str,
        repository: Arc<dyn Repository>,
        data_dir: &Path,
    ) -> Self {
        let temporary = temporary_root(data_dir).join(plugin);
        Self { plugin: plugin.to_owned(), provider: provider.to_owned(), repository, temporary }
    }
}

impl std::fmt::Debug for PluginServices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginServices").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}

/// Where the temporary directories of all plugins lie; emptied at each start.
pub(super) fn temporary_root(data_dir: &Path) -> PathBuf {
    data_dir.join("tmp")
}

/// What went wrong with the store, as a plugin may branch on it.
fn store_failed(error: &StoreError) -> PluginError {
    match error {
        StoreError::TooLarge { .. } | StoreError::Full { .. } => {
            PluginError::capacity_exceeded(error.to_string())
        }
        StoreError::InvalidAddress { .. } => PluginError::invalid_argument(error.to_string()),
        StoreError::Unreadable { .. } => PluginError::corrupt(error.to_string()),
        _ => PluginError::unavailable(error.to_string()),
    }
}

#[async_trait]
impl HostServices for PluginServices {
    async fn register_driver(&self, _: DataStoreProviderType) -> PluginResult<()> {
        // Kept by the loader, which knows the provider's types and checks that none is missing.
        Ok(())
    }

    async fn get_detail(&self, at: DetailKey) -> PluginResult<Option<Secret>> {
        let found = self.repository.get_detail(&self.plugin, &at).await;
        found.map_err(|error| store_failed(&error))
    }

    async fn set_detail(&self, request: SetDetailRequest) -> PluginResult<()> {
        let set = self.repository.set_detail(&self.plugin, &request).await;
        set.map_err(|error| store_failed(&error))
    }

    async fn remove_detail(&self, at: DetailKey) -> PluginResult<()> {
        let removed = self.repository.remove_detail(&self.plugin, &at).await;
        removed.map_err(|error| store_failed(&error))
    }

    async fn list_details(&self, request: ListDetailsRequest) -> PluginResult<Details> {
        let listed = self.repository.list_details(&self.plugin, &request).await;
        listed.map_err(|error| store_failed(&error))
    }

    async fn find_host(&self, uuid: Uuid) -> PluginResult<Option<HypervisorHost>> {
        let found = self.repository.find::<Host>(uuid).await;
        let found = found.map_err(|error| store_failed(&error))?;
        Ok(found.map(|host| host.as_seen_by_plugins(host.id)))
    }

    async fn list_hosts(&self, request: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        let scope = request.scope;
        let filter = Filter { zone: scope.zone_id, owner: scope.cluster_id, ..Filter::default() };
        let hosts = self.repository.list::<Host>(&filter).await;
        let hosts = hosts.map_err(|error| store_failed(&error))?;
        Ok(hosts
            .iter()
            .filter(|host| scope.pod_id.is_none_or(|pod| host.pod == pod))
            .filter(|host| scope.host_id.is_none_or(|only| host.uuid == only))
            .map(|host| host.as_seen_by_plugins(host.id))
            .collect())
    }

    async fn find_store(&self, uuid: Uuid) -> PluginResult<Option<DataStore>> {
        let found = self.repository.find::<StoragePool>(uuid).await;
        let found = found.map_err(|error| store_failed(&error))?;
        let (installation, epoch) =
            (self.repository.installation_id().as_str(), self.repository.epoch());
        Ok(found
            .filter(|pool| pool.provider == self.provider)
            .map(|pool| pool.as_seen_by_plugins(pool.id, installation, epoch)))
    }

    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()> {
        let taken = take_report(self.repository.as_ref(), &self.provider, &report).await;
        taken.map_err(|failure| PluginError::new(failure.kind, failure.message))
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        let directory = self.temporary.clone();
        let made = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&directory).map(|()| directory.to_string_lossy().into_owned())
        });
        match made.await {
            Ok(Ok(path)) => Ok(path),
            Ok(Err(error)) => Err(PluginError::from_io("cannot make a directory", &error)),
            Err(error) => Err(PluginError::internal(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostState, StoragePoolState};
    use crate::store::{Change, Store};
    use storage_plugin_api::{HypervisorType, Scope};

    fn host(name: &str, zone: Uuid, cluster: Uuid) -> Host {
        Host {
            uuid: Uuid::new_v4(),
            name: name.to_owned(),
            state: HostState::Up,
            hypervisor: HypervisorType::Kvm,
            zone,
            pod: Uuid::nil(),
            cluster,
            address: None,
            storage_address: None,
            initiator: Some("iqn".to_owned()),
            world_wide_port_names: Vec::new(),
            warning: None,
        }
    }

    fn pool(provider: &str, zone: Uuid) -> StoragePool {
        StoragePool {
            uuid: Uuid::new_v4(),
            name: "pool".to_owned(),
            state: StoragePoolState::Up,
            provider: provider.to_owned(),
            zone,
            scope: Scope::zone(zone),
            hypervisor: None,
            url: "file:///".to_owned(),
            details: [("password", "secret")].into_iter().collect(),
            reached_by: None,
            back_end_identity: None,
            tags: Vec::new(),
            capacity_bytes: 0,
            capacity_limited: false,
            used_bytes: 0,
            capacity_iops: None,
            overprovision_factor: 1.0,
            quarantine: None,
            bandwidth: None,
        }
    }

    #[tokio::test]
    async fn a_plugin_sees_all_hosts_and_its_own_stores() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Store::open(directory.path()).unwrap().repository();
        let (north, south) = (Uuid::new_v4(), Uuid::new_v4());
        let (one, other) = (host("one", north, south), host("other", south, north));
        let (own, foreign) = (pool("Own", north), pool("Foreign", north));
        let changes = vec![
            Change::insert(&one),
            Change::insert(&other),
            Change::insert(&own),
            Change::insert(&foreign),
        ];
        repository.transact(changes).await.unwrap();
        let services = PluginServices::new("row", "Own", Arc::clone(&repository), directory.path());

        let found = services.find_host(one.uuid).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.initiator.as_deref()), ("one", Some("iqn")));
        assert_eq!(services.find_host(Uuid::nil()).await.unwrap(), None);
        for (scope, names) in [
            (Scope::region(), vec!["one", "other"]),
            (Scope::zone(north), vec!["one"]),
            (Scope::cluster(south, Uuid::nil(), north), vec!["other"]),
            (Scope::host(north, south, other.uuid), vec![]),
        ] {
            let hosts = services.list_hosts(ListHostsRequest::new(scope)).await.unwrap();
            assert_eq!(hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>(), names);
        }
        let store = services.find_store(own.uuid).await.unwrap().unwrap();
        assert_eq!(store.details.get("password"), Some("secret"));
        assert_eq!(store.epoch, repository.epoch());
        assert!(services.find_store(foreign.uuid).await.unwrap().is_none());

        services.report_capacity(CapacityReport::new(own.uuid, 7_u64, 3_u64)).await.unwrap();
        let told = repository.find::<StoragePool>(own.uuid).await.unwrap().unwrap();
        assert_eq!((told.capacity_bytes, told.used_bytes), (7, 3));
        let refused =
            services.report_capacity(CapacityReport::new(foreign.uuid, 7_u64, 3_u64)).await;
        assert_eq!(refused.unwrap_err().kind(), storage_plugin_api::PluginErrorKind::NotFound);
    }
}
