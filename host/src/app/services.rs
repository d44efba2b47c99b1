//! The host's services for one plugin: its durable details, a directory, look-ups.

use crate::store::{Repository, StoreError};
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
    repository: Arc<dyn Repository>,
    temporary: PathBuf,
}

impl PluginServices {
    /// Services for the plugin of a row.
    pub fn new(plugin: &str, repository: Arc<dyn Repository>, data_dir: &Path) -> Self {
        let temporary = temporary_root(data_dir).join(plugin);
        Self { plugin: plugin.to_owned(), repository, temporary }
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

    // No hypervisor host and no store can be added yet, so none is found.
    async fn find_host(&self, _: Uuid) -> PluginResult<Option<HypervisorHost>> {
        Ok(None)
    }

    async fn list_hosts(&self, _: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        Ok(Vec::new())
    }

    async fn find_store(&self, _: Uuid) -> PluginResult<Option<DataStore>> {
        Ok(None)
    }

    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()> {
        Err(PluginError::not_found(format!("there is no store {}", report.store)))
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
