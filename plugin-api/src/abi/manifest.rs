//! What a provider answers from memory, in one record: asked once before and once after configure.

use crate::provider::{DataStoreProvider, DataStoreProviderType};
use crate::schema::InputSchema;
use crate::types::ScopeType;
use serde::{Deserialize, Serialize};

/// The answers of the `get_…` and `is_…` methods of a provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    pub name: String,
    pub types: Vec<DataStoreProviderType>,
    pub settings_schema: InputSchema,
    pub input_schemas: Vec<(DataStoreProviderType, InputSchema)>,
    pub scopes: Vec<ScopeType>,
    pub need_download_sys_template: bool,
    /// Types whose driver is there; empty before configure.
    pub drivers: Vec<DataStoreProviderType>,
    /// Types whose life cycle is there; empty before configure.
    pub life_cycles: Vec<DataStoreProviderType>,
    pub host_listener: bool,
    pub vm_snapshot_strategy: bool,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            name: String::new(),
            types: Vec::new(),
            settings_schema: InputSchema::empty(),
            input_schemas: Vec::new(),
            scopes: Vec::new(),
            need_download_sys_template: false,
            drivers: Vec::new(),
            life_cycles: Vec::new(),
            host_listener: false,
            vm_snapshot_strategy: false,
        }
    }
}

impl Manifest {
    /// Asks a provider; its parts only once it is configured.
    pub fn of(provider: &dyn DataStoreProvider, configured: bool) -> Self {
        let types = provider.get_types();
        let those = |has: &dyn Fn(DataStoreProviderType) -> bool| -> Vec<_> {
            types
                .iter()
                .copied()
                .filter(|provider_type| configured && has(*provider_type))
                .collect()
        };
        Self {
            name: provider.get_name(),
            settings_schema: provider.get_settings_schema(),
            input_schemas: types
                .iter()
                .map(|one| (*one, provider.get_input_schema(*one)))
                .collect(),
            scopes: ScopeType::ALL
                .iter()
                .copied()
                .filter(|scope| provider.is_scope_supported(*scope))
                .collect(),
            need_download_sys_template: provider.need_download_sys_template(),
            drivers: those(&|one| provider.get_data_store_driver(one).is_some()),
            life_cycles: those(&|one| provider.get_data_store_life_cycle(one).is_some()),
            host_listener: configured && provider.get_host_listener().is_some(),
            vm_snapshot_strategy: configured && provider.get_vm_snapshot_strategy().is_some(),
            types,
        }
    }
}
