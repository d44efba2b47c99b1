//! A complete provider that keeps its objects in memory: what a driver has to think of, without
//! files and without a back end. The conformance kit's own tests run on it.
//!
//! Here are what the operator enters, the life cycle and the provider; `driver` is what the host
//! calls all day, `objects` holds the bytes, `vm_snapshots` is a strategy of its own. In a plugin, `export_plugin!(InMemory::default);`
//! would follow. Here `main` runs the conformance kit on it:
//! `cargo run -p storage-plugin-api --example in_memory --features conformance`.

#[path = "in_memory/driver.rs"]
mod driver;
#[path = "in_memory/objects.rs"]
mod objects;
#[path = "in_memory/vm_snapshots.rs"]
mod vm_snapshots;

pub(crate) use objects::InMemory;
use storage_plugin_api::conformance::{Kit, KitOptions, StoreUnderTest};
use storage_plugin_api::prelude::*;

/// What the operator enters for a store. The schema, and with it every form, comes from here.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct StoreDetails {
    /// Keeps the objects of this store apart from those of others.
    #[schemars(title = "Area")]
    pub(crate) area: String,
    /// All the space there is, in bytes; a tebibyte unless given.
    #[schemars(title = "Capacity")]
    pub(crate) capacity_bytes: Option<u64>,
}

#[async_trait]
impl DataStoreLifeCycle for InMemory {
    async fn initialize(
        &self,
        _: &CallContext,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore> {
        let details: StoreDetails = request.details.parse()?;
        let mut store = InitializedStore::default();
        store.capacity_bytes = Some(details.capacity_bytes.unwrap_or(1 << 40));
        store.back_end_identity = Some(details.area);
        Ok(store) // Attaching, maintenance and removing have nothing to do here: the defaults agree.
    }
}
impl PrimaryDataStoreLifeCycle for InMemory {}
impl HypervisorHostListener for InMemory {}

#[async_trait]
impl DataStoreProvider for InMemory {
    fn get_name(&self) -> String {
        "In Memory".to_owned()
    }
    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![DataStoreProviderType::Primary, DataStoreProviderType::Image]
    }
    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<StoreDetails>()
    }
    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        scope == ScopeType::Zone
    }
    async fn configure(
        &self,
        _: &CallContext,
        _: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()> {
        host.register_driver(DataStoreProviderType::Primary).await?;
        host.register_driver(DataStoreProviderType::Image).await
    }
    fn get_data_store_driver(&self, provider_type: DataStoreProviderType) -> Option<Driver> {
        match provider_type {
            DataStoreProviderType::Primary => Some(Driver::Primary(Arc::new(self.clone()))),
            DataStoreProviderType::Image => Some(Driver::Image(Arc::new(self.clone()))),
            _ => None,
        }
    }
    fn get_data_store_life_cycle(&self, provider_type: DataStoreProviderType) -> Option<LifeCycle> {
        match provider_type {
            DataStoreProviderType::Primary => Some(LifeCycle::Primary(Arc::new(self.clone()))),
            DataStoreProviderType::Image => Some(LifeCycle::Image(Arc::new(self.clone()))),
            _ => None,
        }
    }
    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        Some(Arc::new(self.clone()))
    }
    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        Some(Arc::new(self.clone()))
    }
}

/// What a vendor's own test does, too: an empty store for each type, every case, no failure.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = KitOptions::default();
    for provider_type in [DataStoreProviderType::Primary, DataStoreProviderType::Image] {
        let mut store = StoreUnderTest::default();
        store.details.insert("area", provider_type.as_str());
        options.stores.insert(provider_type, store);
    }
    let mut kit = Kit::prepare(Arc::new(InMemory::default()), options).await?;
    let report = kit.run(&mut |case| show(&case)).await;
    show(&report);
    if report.is_clean() { Ok(()) } else { Err("the contract is not kept".into()) }
}

#[expect(clippy::print_stdout, reason = "an example that tells what it does")]
fn show(line: &dyn std::fmt::Display) {
    println!("{line}");
}
