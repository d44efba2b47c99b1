//! The `[host]` table.
//!
//! **Invariant:** [`HostSection::default`] is the one place of the defaults; the shipped
//! `plugins.toml` repeats them for people, and a test holds the two together.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::Level;
use serde_json::Value;

use super::keys::{Key, Section, key};
use super::plugin;
use super::storage;
use super::values;

/// What the host itself needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSection {
    /// Address and port of the API and the console. Default `127.0.0.1:8250`.
    pub listen: SocketAddr,
    /// Directory of the host's durable state. Default `data` beside the configuration file.
    pub data_dir: PathBuf,
    /// Directory of the plugin libraries, which lie in its `image/` and `volume/`. Default
    /// `plugins/storage` beside the configuration file.
    pub plugin_dir: PathBuf,
    /// The least important level that is logged. Default `info`.
    pub log: Level,
    /// How long the probe of a library may take before the library is given up. Default 5 s.
    pub probe_timeout: Duration,
    /// How long a provider's `configure` may take. Default 30 s.
    pub configure_timeout: Duration,
    /// How long a driver call may make no progress. Default 60 s; a plugin may have its own.
    pub call_timeout: Duration,
}

/// The keys of `[host]`. Each has a twin in the environment, `STORAGE_HOST_` and the key in upper
/// case.
pub(super) const SECTION: Section<HostSection> = Section {
    keys: KEYS,
    nested: &[],
    elsewhere: |name| {
        let storage = storage::SECTION.knows(name).then_some("[storage]");
        storage.or_else(|| plugin::SECTION.knows(name).then_some("[[plugin]]"))
    },
};

const KEYS: &[Key<HostSection>] = &[
    key!(listen: values::address),
    key!(data_dir: values::path),
    key!(plugin_dir: values::path),
    key!(log: values::word::<Level>),
    key!(probe_timeout: values::timeout),
    key!(configure_timeout: values::timeout),
    key!(call_timeout: values::timeout),
];

impl Default for HostSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8250)),
            data_dir: PathBuf::from("data"),
            plugin_dir: PathBuf::from("plugins/storage"),
            log: Level::Info,
            probe_timeout: Duration::from_secs(5),
            configure_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
        }
    }
}

impl HostSection {
    /// Starts relative paths at the directory of the configuration file.
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        for path in [&mut self.data_dir, &mut self.plugin_dir] {
            *path = base.join(&*path);
        }
    }

    /// Returns the effective values under their keys.
    pub(super) fn to_json(&self) -> Value {
        Value::Object(SECTION.show(self))
    }
}
