//! What the host says about a plugin: its state, and why.
//!
//! Operators look at the listing, not the log: everything one asks about a plugin is in its
//! report, whether it works or not.

use crate::config::{Isolation, PluginKind};
use crate::loader::digest::Digest;
use crate::loader::metadata::PluginMetadata;
use crate::loader::refusal::Refusal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use storage_plugin_api::abi::Manifest;
use storage_plugin_api::{DataStoreProviderType, InputSchema, ScopeType};

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PluginState {
    /// Its row says `enabled = false`.
    Disabled,
    /// It is being loaded.
    Loading,
    /// Its provider is registered and serves.
    Ready,
    /// Its process ended and is started again with its next call, or after the back-off.
    Restarting,
    /// Its process ended too often; it is tried again rarely.
    Crashing,
    /// It was refused; the reason says why and what to do.
    Failed,
}

impl fmt::Display for PluginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disabled => "Disabled",
            Self::Loading => "Loading",
            Self::Ready => "Ready",
            Self::Restarting => "Restarting",
            Self::Crashing => "Crashing",
            Self::Failed => "Failed",
        })
    }
}

/// What a registered provider says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderSummary {
    /// Its unique name.
    pub name: String,
    /// What it can be used for.
    pub types: Vec<DataStoreProviderType>,
    /// The scopes its stores can have.
    pub scopes: Vec<ScopeType>,
    /// It listens to hypervisor hosts.
    pub host_listener: bool,
    /// It has a way of its own to take instance snapshots.
    pub vm_snapshot_strategy: bool,
    /// The schema of its settings in plugins.toml.
    pub settings_schema: InputSchema,
    /// The schemas of the input fields of its stores: what forms are made of.
    pub input_schemas: Vec<(DataStoreProviderType, InputSchema)>,
}

impl ProviderSummary {
    /// What a provider answered.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            types: manifest.types.clone(),
            scopes: manifest.scopes.clone(),
            host_listener: manifest.host_listener,
            vm_snapshot_strategy: manifest.vm_snapshot_strategy,
            settings_schema: manifest.settings_schema.clone(),
            input_schemas: manifest.input_schemas.clone(),
        }
    }
}

/// The process of an isolated plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// Its process id, while it runs.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u64,
    /// How it ended the last time.
    pub last_end: Option<String>,
}

/// Everything there is to say about a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PluginReport {
    /// The name of its row.
    pub name: String,
    /// Image or volume.
    #[serde(with = "word")]
    pub kind: PluginKind,
    /// In the host's process, or in one of its own.
    #[serde(with = "word")]
    pub isolation: Isolation,
    /// The host does not start without it.
    pub required: bool,
    /// Where it stands.
    pub state: PluginState,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// Its library.
    pub path: PathBuf,
    /// SHA-256 of its library.
    pub digest: Option<Digest>,
    /// The record in its library.
    pub metadata: Option<PluginMetadata>,
    /// The newest C library version it needs.
    pub glibc: Option<(u32, u32)>,
    /// Its provider, once configured.
    pub provider: Option<ProviderSummary>,
    /// How long loading took, in milliseconds.
    pub load_ms: Option<f64>,
    /// Its process, if it has one of its own.
    pub process: Option<ProcessReport>,
}

/// Serde for the words of `plugins.toml`.
mod word {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
