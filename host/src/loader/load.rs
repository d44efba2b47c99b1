//! The pipeline itself.

use super::bring_up::BringUp;
use super::confine::{Located, locate};
use super::digest::Digest;
use super::marker::LoadingMarker;
use super::object_file::{Host, ObjectFile, inspect};
use super::open::open_library;
use super::probe::{ProbeRequest, probe};
use super::probe_cache::ProbeCache;
use super::refusal::{Refusal, RefusalCode};
use crate::config::{HostConfig, PluginRow};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::abi::{
    FfiTransport, HostDispatcher, LogRecord, Manifest, OpenOptions, RemoteProvider, Transport,
};
use storage_plugin_api::{HostServices, Settings};

/// Loads plugins as one configuration says.
#[derive(Debug, Clone)]
pub struct Loader {
    /// The executable that probes and runners are started from.
    pub executable: PathBuf,
    /// Where the libraries lie, in `image/` and `volume/`.
    pub plugin_dir: PathBuf,
    /// Where markers and results of probes are kept.
    pub data_dir: PathBuf,
    /// How long a library may take to load.
    pub probe_timeout: Duration,
    /// How long `configure` may stand still.
    pub configure_timeout: Duration,
    /// The most detailed level that plugins log.
    pub log_level: log::LevelFilter,
}

/// A library that was looked at, not run.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The file.
    pub located: Located,
    /// Its SHA-256.
    pub digest: Digest,
    /// What it says of itself.
    pub object: ObjectFile,
}

impl Loader {
    /// A loader for a configuration.
    pub fn new(config: &HostConfig) -> Self {
        Self {
            executable: super::child::own_executable(),
            plugin_dir: config.host.plugin_dir.clone(),
            data_dir: config.host.data_dir.clone(),
            probe_timeout: config.host.probe_timeout,
            configure_timeout: config.host.configure_timeout,
            log_level: config.host.log.to_level_filter(),
        }
    }

    /// Looks at the library of a row without running any of its code.
    ///
    /// # Errors
    /// What the file is, where it lies, or that it is not the pinned one.
    pub fn inspect(&self, row: &PluginRow) -> Result<Inspected, Refusal> {
        let located = locate(&self.plugin_dir, &row.kind.to_string(), &row.file_name())?;
        inspect_located(located, row.sha256.map(Digest).as_ref())
    }

    /// Has a child load and configure the plugin, unless the same was done before.
    ///
    /// # Errors
    /// Everything that loading and configuring can fail with.
    pub async fn probe(&self, row: &PluginRow, inspected: &Inspected) -> Result<Manifest, Refusal> {
        let cache = ProbeCache::new(&self.data_dir);
        let settings = settings_of(row);
        if let Some(manifest) = cache.find(&row.name, &inspected.digest, &settings) {
            return Ok(manifest);
        }
        let request = ProbeRequest {
            plugin: row.name.clone(),
            path: inspected.located.path.clone(),
            settings,
            configure_timeout: self.configure_timeout,
        };
        let manifest = probe(&self.executable, &request, self.probe_timeout).await?;
        cache.keep(&row.name, &inspected.digest, &request.settings, &manifest);
        Ok(manifest)
    }

    /// Loads a probed plugin into this process and configures it.
    ///
    /// # Errors
    /// What the probe could not see: the file changed, the host died in it last time, or it
    /// behaves otherwise here.
    pub async fn load(
        &self,
        row: &PluginRow,
        inspected: &Inspected,
        services: Arc<dyn HostServices>,
    ) -> Result<RemoteProvider, Refusal> {
        LoadingMarker::check(&self.data_dir, &row.name, &inspected.digest)?;
        inspected.located.recheck()?;
        let marker = LoadingMarker::set(&self.data_dir, &row.name, &inspected.digest)
            .map_err(|error| self.no_marker(&row.name, &error))?;
        let outcome = self.load_marked(row, inspected, services).await;
        marker.clear();
        outcome
    }

    async fn load_marked(
        &self,
        row: &PluginRow,
        inspected: &Inspected,
        services: Arc<dyn HostServices>,
    ) -> Result<RemoteProvider, Refusal> {
        let transport = self.open(row, inspected).await?;
        let bring_up = BringUp {
            plugin: &row.name,
            settings: settings_of(row),
            services,
            configure_timeout: self.configure_timeout,
            on_configure: &|| {},
        };
        bring_up.run(transport).await
    }

    /// Opens a library in this process, on a thread that may be lost: its constructors run.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open(
        &self,
        row: &PluginRow,
        inspected: &Inspected,
    ) -> Result<Arc<dyn Transport>, Refusal> {
        let options = OpenOptions::new(&row.name, self.log_level, false);
        let (plugin, library) = (row.name.clone(), inspected.located.path.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let root = open_library(&library)?;
            let name = plugin.clone();
            let host = HostDispatcher::new(Box::new(move |record| log_of_plugin(&name, record)));
            FfiTransport::open(root, Arc::new(host), options)
                .map(|transport| Arc::new(transport) as Arc<dyn Transport>)
                .map_err(|error| constructor_failed(&plugin, &error.to_string()))
        });
        match tokio::time::timeout(self.probe_timeout, opening).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Err(constructor_failed(&row.name, &error.to_string())),
            Err(_) => Err(Refusal::new(
                RefusalCode::HungWhileLoading,
                format!("cannot load plugin {:?}", row.name),
                format!(
                    "it loaded in the probe, but not in the host within {:?}",
                    self.probe_timeout
                ),
                "set isolation = \"process\" in its row, or tell the plugin's vendor",
            )),
        }
    }

    fn no_marker(&self, plugin: &str, error: &std::io::Error) -> Refusal {
        Refusal::new(
            RefusalCode::LoaderError,
            format!("cannot load plugin {plugin:?}"),
            format!("the data directory {} cannot be written: {error}", self.data_dir.display()),
            "free space on it, or give the host another one with --data-dir",
        )
    }
}

/// Looks at a located library without running any of its code.
///
/// # Errors
/// What the file is, or that it is not the pinned one.
pub fn inspect_located(located: Located, pinned: Option<&Digest>) -> Result<Inspected, Refusal> {
    let digest = Digest::of(&located.path)?;
    if let Some(pinned) = pinned {
        digest.verify(pinned, &located.path)?;
    }
    let host = Host::this();
    let object = inspect(&located.path, &host)?;
    object.check_plugin(&located.path, &host)?;
    Ok(Inspected { located, digest, object })
}

/// The settings of a row, as the contract has them.
pub fn settings_of(row: &PluginRow) -> Settings {
    Settings::from_map(row.settings.as_map().clone())
}

fn constructor_failed(plugin: &str, why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::PanickedWhileLoading,
        format!("cannot load plugin {plugin:?}"),
        why,
        "the log shows where; tell the plugin's vendor",
    )
}

/// A plugin's message in the host's log, under the plugin's name.
pub fn log_of_plugin(plugin: &str, record: &LogRecord) {
    let details: String =
        record.pairs.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    // Under one name for all plugins, so that the level of plugins is set whatever crates they use.
    let target = format!("plugin::{plugin}::{}", record.target);
    log::log!(target: &target, record.log_level(), "{}{details}", record.message);
}
