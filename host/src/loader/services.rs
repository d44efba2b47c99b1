//! The host's services as a probe has them: they answer, and nothing comes of it.
//!
//! `configure` may have no side effects; a plugin that writes details there finds them written in
//! the host later, not by its probe.

use async_trait::async_trait;
use std::sync::OnceLock;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CapacityReport, DataStore, DataStoreProviderType, DetailKey, Details, HostServices,
    HypervisorHost, ListDetailsRequest, ListHostsRequest, PluginError, PluginResult, Secret,
    SetDetailRequest,
};

/// Services without memory.
#[derive(Debug, Default)]
pub struct ProbeServices {
    temporary: OnceLock<tempfile::TempDir>,
}

#[async_trait]
impl HostServices for ProbeServices {
    async fn register_driver(&self, _: DataStoreProviderType) -> PluginResult<()> {
        Ok(())
    }

    async fn get_detail(&self, _: DetailKey) -> PluginResult<Option<Secret>> {
        Ok(None)
    }

    async fn set_detail(&self, _: SetDetailRequest) -> PluginResult<()> {
        Ok(())
    }

    async fn remove_detail(&self, _: DetailKey) -> PluginResult<()> {
        Ok(())
    }

    async fn list_details(&self, _: ListDetailsRequest) -> PluginResult<Details> {
        Ok(Details::new())
    }

    async fn find_host(&self, _: Uuid) -> PluginResult<Option<HypervisorHost>> {
        Ok(None)
    }

    async fn list_hosts(&self, _: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>> {
        Ok(Vec::new())
    }

    async fn find_store(&self, _: Uuid) -> PluginResult<Option<DataStore>> {
        Ok(None)
    }

    async fn report_capacity(&self, _: CapacityReport) -> PluginResult<()> {
        Ok(())
    }

    async fn temporary_directory(&self) -> PluginResult<String> {
        if self.temporary.get().is_none() {
            let made = tempfile::tempdir()
                .map_err(|error| PluginError::from_io("cannot make a directory", &error))?;
            self.temporary.set(made).ok();
        }
        let directory = self.temporary.get().map(|one| one.path().to_string_lossy().into_owned());
        directory.ok_or_else(|| PluginError::internal("the directory vanished"))
    }
}
