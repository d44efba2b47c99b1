//! The tutorial: a complete storage plugin on a directory.
//!
//! Read in this order: this file (what a plugin exports), `life_cycle.rs` (a store is added),
//! `place.rs` (where its objects lie), `driver.rs` (what can be done to them), then the two optional
//! parts, `snapshots.rs` and `host_listener.rs`. To begin a plugin of
//! your own copy this folder with `cargo xtask new-plugin`, or keep it open beside
//! storage-plugin-api's front page.

// A plugin needs no unsafe code: what crosses the boundary is made by `export_plugin!`.
#![forbid(unsafe_code)]

mod driver;
mod host_listener;
mod life_cycle;
mod place;
mod snapshots;

use crate::driver::SampleDriver;
use crate::host_listener::SampleHostListener;
use crate::life_cycle::SampleLifeCycle;
use crate::snapshots::SampleVmSnapshots;
use std::path::PathBuf;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result};

// Step 1. The one thing that a library exports: a function that makes its provider.
storage_plugin_api::export_plugin!(SampleProvider::default);

// Step 2. The fields of "Add primary storage". The schema derived from this struct is all there
// is: the console's dialog, the command line, the validation and the documentation come from it.
// A secret would bear `#[schemars(extend("writeOnly" = true))]`.
/// Where a pool lies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde")]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct PoolFields {
    /// An absolute path of a directory that is there. Objects go into a directory of their own in
    /// it, so one directory can serve several installations.
    #[schemars(title = "Directory", example = "/srv/pool", extend("x-order" = 1))]
    path: PathBuf,
}

/// Step 3. The provider. It is made once and serves any number of stores, so it holds nothing of
/// any one store.
#[derive(Default)]
pub(crate) struct SampleProvider {
    // What the host can do for us; there from `configure` on.
    host: std::sync::OnceLock<Arc<dyn HostServices>>,
}

#[async_trait]
impl DataStoreProvider for SampleProvider {
    // Stored with every store, so it must never change.
    fn get_name(&self) -> String {
        "Sample".to_owned()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![DataStoreProviderType::Primary]
    }

    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<PoolFields>()
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        matches!(scope, ScopeType::Zone | ScopeType::Cluster | ScopeType::Host)
    }

    // Step 4. Called once, and in a probe as well: prepare what you need, touch no back end, and
    // register the driver of every type.
    async fn configure(&self, _: &Call, _: Settings, host: Arc<dyn HostServices>) -> Result<()> {
        host.register_driver(DataStoreProviderType::Primary).await?;
        self.host.set(host).ok();
        Ok(())
    }

    fn get_data_store_driver(&self, _: DataStoreProviderType) -> Option<Driver> {
        Some(Driver::Primary(Arc::new(SampleDriver)))
    }

    fn get_data_store_life_cycle(&self, _: DataStoreProviderType) -> Option<LifeCycle> {
        Some(LifeCycle::Primary(Arc::new(SampleLifeCycle)))
    }

    // Step 5, optional: parts that most plugins do without.
    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        let host = self.host.get().cloned()?;
        Some(Arc::new(SampleHostListener { host }))
    }

    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        Some(Arc::new(SampleVmSnapshots(SampleDriver)))
    }
}
