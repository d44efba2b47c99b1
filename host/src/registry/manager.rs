//! Providers by name, plugins by row.

use super::report::{PluginReport, PluginState, ProcessReport};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use storage_plugin_api::{DataStoreProvider, DataStoreProviderType, VmSnapshotStrategy};
use tokio::sync::watch;

/// How the state of a plugin's process is asked for, where it has one.
pub type ProcessStatus = dyn Fn() -> (PluginState, ProcessReport) + Send + Sync;

/// Names that CloudStack's clients know, and who answers for them here.
const ALIASES: [(&str, &str); 1] = [("DefaultPrimary", "Filesystem")];

/// The names under which somebody who asks for one may be answered, the one asked for first.
fn names(asked: &str) -> impl Iterator<Item = &str> {
    let others = ALIASES.iter().filter(move |(alias, _)| *alias == asked).map(|(_, name)| *name);
    std::iter::once(asked).chain(others)
}

struct Entry {
    report: PluginReport,
    provider: Option<Arc<dyn DataStoreProvider>>,
    process: Option<Arc<ProcessStatus>>,
}

/// The registry. One per host, shared by everything that needs a provider.
///
/// Names are unique: the loader refuses a second provider of a name, in the order of the rows.
#[derive(Default)]
pub struct DataStoreProviderManager {
    // By the position of the row, so that listings keep the order of plugins.toml.
    entries: RwLock<BTreeMap<usize, Entry>>,
    changes: watch::Sender<()>,
}

impl DataStoreProviderManager {
    /// A registry without plugins.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<usize, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<usize, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what is known of the plugin of a row in place.
    pub fn put(
        &self,
        row: usize,
        report: PluginReport,
        provider: Option<Arc<dyn DataStoreProvider>>,
        process: Option<Arc<ProcessStatus>>,
    ) {
        self.write().insert(row, Entry { report, provider, process });
        self.changes.send_replace(());
    }

    /// Tells of each change of the registry, for those who wait for a provider.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Why a provider does not serve now; `None` where it does.
    pub fn why_unavailable(&self, provider_name: &str) -> Option<String> {
        let report = self.report_of_provider(provider_name);
        if self.provider(provider_name).is_some() {
            let state = report.map(|report| report.state);
            return state.filter(|state| *state == PluginState::Crashing).map(|_| {
                format!("the process of provider {provider_name:?} ends again and again")
            });
        }
        let refused: Vec<String> = self
            .reports()
            .into_iter()
            .filter(|report| report.state == PluginState::Failed)
            .map(|report| format!("{:?}", report.name))
            .collect();
        let refused = match refused.as_slice() {
            [] => String::new(),
            refused => format!(" (refused: {})", refused.join(", ")),
        };
        Some(format!(
            "provider {provider_name:?} is not loaded{refused}; see `storage-host plugins list` \
             for the reason"
        ))
    }

    /// Lets every provider go, as the last thing of a host: whoever holds the registry still finds
    /// none from now on.
    pub fn close(&self) {
        let providers: Vec<_> =
            self.write().values_mut().map(|entry| entry.provider.take()).collect();
        // Without the lock: a destructor is the plugin's own code.
        drop(providers);
    }

    /// The reports of all plugins, in the order of their rows.
    pub fn reports(&self) -> Vec<PluginReport> {
        self.read()
            .values()
            .map(|entry| {
                let mut report = entry.report.clone();
                if let Some(status) = &entry.process {
                    let (state, process) = status();
                    report.state = state;
                    report.process = Some(process);
                }
                report
            })
            .collect()
    }

    /// The report of the plugin that has a provider's name, or the one that CloudStack has for it.
    pub fn report_of_provider(&self, provider_name: &str) -> Option<PluginReport> {
        let reports = self.reports();
        let named = |name| {
            let is_named = |report: &&PluginReport| {
                report.provider.as_ref().is_some_and(|provider| provider.name == name)
            };
            reports.iter().find(is_named).cloned()
        };
        names(provider_name).find_map(named)
    }

    /// A provider by its name, or by the one that CloudStack has for it
    /// (`getDataStoreProvider`).
    pub fn provider(&self, provider_name: &str) -> Option<Arc<dyn DataStoreProvider>> {
        let entries = self.read();
        let named = |name| {
            let is_named =
                |entry: &&Entry| entry.report.provider.as_ref().is_some_and(|one| one.name == name);
            entries.values().find(is_named)
        };
        // A plugin that really has the name comes first.
        names(provider_name).find_map(named)?.provider.clone()
    }

    /// The instance snapshot strategies of the providers that serve, with the names of these, in
    /// the order of their rows.
    pub fn vm_snapshot_strategies(&self) -> Vec<(String, Arc<dyn VmSnapshotStrategy>)> {
        let providers: Vec<_> = self
            .read()
            .values()
            .filter_map(|entry| {
                let name = entry.report.provider.as_ref()?.name.clone();
                Some((name, Arc::clone(entry.provider.as_ref()?)))
            })
            .collect();
        // Without the lock: who is asked is the plugin's own code.
        let strategies = providers.into_iter();
        strategies
            .filter_map(|(name, provider)| Some((name, provider.get_vm_snapshot_strategy()?)))
            .collect()
    }

    /// The names of the providers of a type, in the order of their rows
    /// (`listStorageProviders`).
    pub fn providers_of(&self, provider_type: DataStoreProviderType) -> Vec<String> {
        self.read()
            .values()
            .filter_map(|entry| entry.report.provider.as_ref())
            .filter(|provider| provider.types.contains(&provider_type))
            .map(|provider| provider.name.clone())
            .collect()
    }
}

impl std::fmt::Debug for DataStoreProviderManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.read().values().map(|entry| &entry.report.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manager(providers: &[&str]) -> DataStoreProviderManager {
        let manager = DataStoreProviderManager::new();
        for (row, provider) in providers.iter().enumerate() {
            let report = json!({
                "name": format!("row-{row}"), "kind": "volume", "isolation": "in-process",
                "required": false, "state": "Ready", "path": "/x.so",
                "provider": {
                    "name": provider, "types": ["PRIMARY"], "scopes": ["ZONE"],
                    "host_listener": false, "vm_snapshot_strategy": false,
                    "settings_schema": {}, "input_schemas": [],
                },
            });
            manager.put(row, serde_json::from_value(report).unwrap(), None, None);
        }
        manager
    }

    #[test]
    fn the_name_that_cloudstack_has_finds_the_provider_that_stands_in() {
        let row = |manager: &DataStoreProviderManager, name| {
            manager.report_of_provider(name).map(|report| report.name)
        };
        let ours = manager(&["Sample", "Filesystem"]);
        assert_eq!(row(&ours, "DefaultPrimary").as_deref(), Some("row-1"));
        assert_eq!(row(&ours, "Filesystem").as_deref(), Some("row-1"));
        assert_eq!(row(&ours, "Default"), None);
        let theirs = manager(&["Filesystem", "DefaultPrimary"]);
        assert_eq!(row(&theirs, "DefaultPrimary").as_deref(), Some("row-1"));
        assert_eq!(row(&manager(&["Sample"]), "DefaultPrimary"), None);
    }
}
