//! What the kit is told: the settings, a store for each type, how deep to look.

use super::report::Level;
use crate::{
    DataStoreProviderType, Details, HostServices, HypervisorHost, HypervisorType, PluginError,
    PluginResult, Scope, ScopeType, Settings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A store that the kit may fill and empty.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct StoreUnderTest {
    /// Where the back end is; empty where the details say it all.
    pub url: String,
    /// The provider's details.
    pub details: Details,
    /// The scope; `None` takes the first that the provider supports.
    pub scope: Option<Scope>,
    /// One back-end volume per volume.
    pub managed: bool,
}

/// How the kit runs.
#[derive(Clone)]
#[non_exhaustive]
pub struct KitOptions {
    /// The settings of the plugin's row.
    pub settings: Settings,
    /// A store for each type that is to be tested beyond schemas.
    pub stores: BTreeMap<DataStoreProviderType, StoreUnderTest>,
    /// How deep to look.
    pub level: Level,
    /// Run on a store that holds objects already. The kit touches only its own.
    pub allow_non_empty: bool,
    /// Names the run; random unless given. The bytes and uuids of a run follow from it.
    pub run: String,
    /// How long a call may go on without progress.
    pub window: Duration,
    /// The hypervisor host that access is granted to; one that does not exist unless given.
    pub hypervisor_host: HypervisorHost,
    /// What the provider may ask of the host; a [`MemoryHost`](super::MemoryHost) unless given.
    pub host: Option<Arc<dyn HostServices>>,
    /// The provider was configured by the caller, and must not be configured again.
    pub configured: bool,
    /// Only cases whose id contains this text; the last one always runs.
    pub only: Option<String>,
}

impl Default for KitOptions {
    fn default() -> Self {
        let run: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
        let mut hypervisor_host = HypervisorHost::new(Uuid::new_v4(), format!("conf-{run}"));
        hypervisor_host.id = 1;
        hypervisor_host.hypervisor_type = HypervisorType::Kvm;
        hypervisor_host.private_ip_address = Some("127.0.0.1".to_owned());
        hypervisor_host.storage_ip_address = Some("127.0.0.1".to_owned());
        hypervisor_host.initiator = Some(format!("iqn.2024-01.org.example:conf-{run}"));
        hypervisor_host.world_wide_port_names = vec!["10000000c9000001".to_owned()];
        Self {
            settings: Settings::new(),
            stores: BTreeMap::new(),
            level: Level::default(),
            allow_non_empty: false,
            run,
            window: Duration::from_secs(60),
            hypervisor_host,
            host: None,
            configured: false,
            only: None,
        }
    }
}

impl fmt::Debug for KitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KitOptions")
            .field("settings", &self.settings)
            .field("stores", &self.stores)
            .field("level", &self.level)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// The settings file of a run, in whatever format the caller reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ConformanceFile {
    /// The settings of the plugin's row in `plugins.toml`.
    pub settings: Settings,
    /// An empty storage pool.
    pub primary: Option<StoreInput>,
    /// An empty image store.
    pub image: Option<StoreInput>,
    /// An empty image cache.
    pub image_cache: Option<StoreInput>,
    /// The hypervisor host that access is granted to, where a back end insists on a real one.
    pub hypervisor_host: Option<HypervisorHost>,
}

impl ConformanceFile {
    /// The options of a run over all levels.
    ///
    /// # Errors
    /// `InvalidArgument` for a scope that is not one, or a detail that is neither text, number nor
    /// boolean.
    pub fn into_options(self) -> PluginResult<KitOptions> {
        let mut options = KitOptions { settings: self.settings, ..KitOptions::default() };
        if let Some(host) = self.hypervisor_host {
            options.hypervisor_host = host;
        }
        for (provider_type, input) in [
            (DataStoreProviderType::Primary, self.primary),
            (DataStoreProviderType::Image, self.image),
            (DataStoreProviderType::ImageCache, self.image_cache),
        ] {
            if let Some(input) = input {
                options.stores.insert(provider_type, input.into_store()?);
            }
        }
        Ok(options)
    }
}

/// A store in a settings file. `Debug` shows the keys of its details only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StoreInput {
    /// Where the back end is.
    pub url: String,
    /// The provider's details: text, numbers and booleans.
    pub details: Map<String, Value>,
    /// `ZONE`, `CLUSTER`, `HOST` or `REGION`; the ids are made up.
    pub scope: Option<ScopeType>,
    /// One back-end volume per volume.
    pub managed: bool,
}

impl StoreInput {
    fn into_store(self) -> PluginResult<StoreUnderTest> {
        let mut details = Details::new();
        for (key, value) in self.details {
            let text = match value {
                Value::String(text) => text,
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => {
                    return Err(PluginError::invalid_argument(format!(
                        "the detail {key:?} must be text, a number or a boolean"
                    )));
                }
            };
            details.insert(key, text);
        }
        let scope = match self.scope {
            Some(ScopeType::Unknown) => {
                return Err(PluginError::invalid_argument(
                    "the scope of a store is ZONE, CLUSTER, HOST or REGION",
                ));
            }
            other => other.map(scope_of),
        };
        Ok(StoreUnderTest { url: self.url, details, scope, managed: self.managed })
    }
}

impl fmt::Debug for StoreInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreInput")
            .field("url", &self.url)
            .field("details", &self.details.keys().collect::<Vec<_>>())
            .field("scope", &self.scope)
            .field("managed", &self.managed)
            .finish()
    }
}

/// A scope of a type, with ids of its own.
pub(super) fn scope_of(scope_type: ScopeType) -> Scope {
    let id = Uuid::new_v4;
    match scope_type {
        ScopeType::Host => Scope::host(id(), id(), id()),
        ScopeType::Cluster => Scope::cluster(id(), id(), id()),
        ScopeType::Zone => Scope::zone(id()),
        _ => Scope::region(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_becomes_options() {
        let file: ConformanceFile = serde_json::from_value(serde_json::json!({
            "settings": {"workers": 2},
            "primary": {"url": "mem://a", "details": {"area": "a", "size": 8}, "scope": "ZONE"},
        }))
        .unwrap();
        let options = file.into_options().unwrap();
        let store = &options.stores[&DataStoreProviderType::Primary];
        assert_eq!(store.details.get("size"), Some("8"));
        assert_eq!(store.scope.as_ref().unwrap().scope_type, ScopeType::Zone);
        assert_eq!(options.settings.get("workers"), Some(&Value::from(2)));
        assert_eq!(options.stores.len(), 1);
    }

    #[test]
    fn a_wrong_settings_file_says_what_is_wrong() {
        let unknown = serde_json::from_str::<ConformanceFile>(r#"{"primry": {}}"#).unwrap_err();
        assert!(unknown.to_string().contains("primry"), "{unknown}");
        let input = |text: &str| {
            serde_json::from_str::<ConformanceFile>(text)
                .unwrap()
                .into_options()
                .unwrap_err()
                .to_string()
        };
        assert!(input(r#"{"primary": {"scope": "ROOM"}}"#).contains("ZONE"));
        assert!(input(r#"{"image": {"details": {"a": []}}}"#).contains("\"a\""));
    }
}
