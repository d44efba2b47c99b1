//! Starts a host, serves until told to stop, stops in good order.

use super::first_pool;
use super::plugins::load_plugins;
use super::services::temporary_root;
use crate::api::{Api, HostInfo, Services, credentials, endpoint, serve};
use crate::config::HostConfig;
use crate::loader::Loader;
use crate::orchestration::{
    CachePolicy, ImagePolicy, Orchestration, Policy, Rooms, RoomsParts, Windows,
};
use crate::registry::{DataStoreProviderManager, PluginReport, PluginState};
use crate::store::Store;
use anyhow::{Context, anyhow};
use std::collections::HashMap;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A host whose plugins are loaded and whose listener is bound; it serves once told to.
pub struct Started {
    /// The providers.
    pub registry: Arc<DataStoreProviderManager>,
    /// The address that the listener got.
    pub address: SocketAddr,
    listener: TcpListener,
    data_dir: PathBuf,
    store: Store,
    api: Api,
}

/// Opens the store, loads the plugins, binds the listener.
///
/// # Errors
/// The store cannot be opened, the address is taken, or a required plugin was refused.
pub async fn start(config: &HostConfig, loader: &Loader) -> anyhow::Result<Started> {
    let data_dir = config.host.data_dir.clone();
    let opened = {
        let data_dir = data_dir.clone();
        tokio::task::spawn_blocking(move || Store::open(data_dir)).await?
    };
    let store = opened.map_err(|error| anyhow!("{error}"))?;
    empty(&temporary_root(&data_dir)).context("cannot empty the directory for temporary files")?;
    let spool = data_dir.join("spool");
    empty(&spool).context("cannot empty the directory of what is unpacked")?;
    let credentials = credentials::load_or_create(&data_dir)?;
    let listener = TcpListener::bind(config.host.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another address with --listen", config.host.listen)
    })?;
    let address = listener.local_addr()?;

    let registry = Arc::new(DataStoreProviderManager::new());
    load_plugins(config, loader, &store.repository(), &registry)
        .await
        .map_err(|missing| required_refused(&missing))?;
    let policy = policy(config, spool);
    policy.images.check().context("[storage] of plugins.toml")?;
    let orchestration = Orchestration::new(Arc::new(Rooms::new(RoomsParts {
        repository: store.repository(),
        providers: Arc::clone(&registry),
        policy,
        windows: windows(config, &registry),
    })));
    orchestration.resume().await?;
    first_pool::begin(&orchestration, &registry, &data_dir).await?;
    let services = Services {
        orchestration,
        providers: Arc::clone(&registry),
        host: HostInfo { version: env!("CARGO_PKG_VERSION").to_owned(), listen: address },
    };
    let api = Api::new(services, &credentials);
    Ok(Started { registry, address, listener, data_dir, store, api })
}

/// What the operator decided about storage.
fn policy(config: &HostConfig, spool: PathBuf) -> Policy {
    let storage = &config.storage;
    Policy {
        used_threshold: storage.used_threshold,
        promised_threshold: storage.promised_threshold,
        image_store_threshold: storage.image_store_threshold,
        image_cache: CachePolicy {
            high_watermark: storage.image_cache_high_watermark,
            low_watermark: storage.image_cache_low_watermark,
            max_age: storage.image_cache_max_age,
        },
        overprovision_factor: storage.overprovision_factor,
        expunge_delay: storage.expunge_delay,
        expunge_interval: storage.expunge_interval,
        default_primary_provider: storage.default_primary_provider.clone(),
        images: ImagePolicy {
            allow: storage.download_allow.clone(),
            directories: storage.download_directories.iter().map(PathBuf::from).collect(),
            proxy: Some(storage.download_proxy.clone()).filter(|proxy| !proxy.is_empty()),
            max_bytes: storage.max_image_bytes,
            max_virtual_bytes: storage.max_virtual_bytes,
            spool,
        },
    }
}

/// How long a provider's calls may stand still, as its row or the host's section says.
fn windows(config: &HostConfig, registry: &Arc<DataStoreProviderManager>) -> Box<Windows> {
    let of_rows: HashMap<String, Duration> = config
        .plugins
        .iter()
        .filter_map(|row| Some((row.name.clone(), row.call_timeout?)))
        .collect();
    let of_providers: HashMap<String, Duration> = registry
        .reports()
        .into_iter()
        .filter_map(|report| Some((report.provider?.name, *of_rows.get(&report.name)?)))
        .collect();
    let otherwise = config.host.call_timeout;
    Box::new(move |provider| of_providers.get(provider).copied().unwrap_or(otherwise))
}

fn empty(directory: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(directory),
    }
}

/// The very words that the listing would show.
fn required_refused(missing: &[PluginReport]) -> anyhow::Error {
    let reasons: Vec<String> = missing
        .iter()
        .filter_map(|report| {
            let refusal = report.refusal.as_ref()?;
            Some(format!("plugin {:?} is required and was refused:\n{refusal}", report.name))
        })
        .collect();
    anyhow!("{}", reasons.join("\n"))
}

impl Started {
    /// Serves until `shutdown` is ready.
    ///
    /// # Errors
    /// When `endpoint.json` cannot be written.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        endpoint::write(&self.data_dir, self.address)?;
        // After it: who waits for this line finds the file.
        welcome(&self)?;
        serve(self.listener, self.api, shutdown).await;
        // Told at the end: whatever is left behind, the store is closed first.
        let removed = endpoint::remove(&self.data_dir);
        // The last change is on the disk before the process ends.
        let store = self.store;
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        // What works in the background still holds the registry, and ends with the runtime.
        self.registry.close();
        closed?;
        Ok(removed?)
    }
}

/// Runs a host in this process until SIGTERM or SIGINT.
///
/// # Errors
/// As [`start`] and [`Started::serve`].
pub async fn run(config: HostConfig) -> anyhow::Result<()> {
    log_to_stderr(config.host.log);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut stop = std::pin::pin!(stop);
    let loader = Loader::new(&config);
    let started = tokio::select! {
        started = start(&config, &loader) => started?,
        () = &mut stop => return Ok(()),
    };
    started.serve(stop).await
}

fn log_to_stderr(level: log::Level) {
    env_logger::Builder::new()
        // Levels are for what concerns storage; what libraries say below a warning does not.
        .filter_level(log::LevelFilter::Warn.min(level.to_level_filter()))
        .filter_module("storage_host", level.to_level_filter())
        .filter_module("plugin", level.to_level_filter())
        .format_timestamp_millis()
        .try_init()
        .ok();
}

fn welcome(started: &Started) -> std::io::Result<()> {
    let reports = started.registry.reports();
    let ready = reports.iter().filter(|report| report.state == PluginState::Ready).count();
    let mut out = std::io::stdout().lock();
    writeln!(out, "storage-host {} serves", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  api          http://{}/client/api", started.address)?;
    writeln!(out, "  credentials  {}", started.data_dir.join("credentials.json").display())?;
    writeln!(out, "  plugins      {ready} of {} ready", reports.len())?;
    for report in reports.iter().filter(|report| report.state != PluginState::Ready) {
        let reason = report.refusal.as_ref().map(|refusal| refusal.summary());
        writeln!(
            out,
            "    {}: {}",
            report.name,
            reason.unwrap_or_else(|| report.state.to_string())
        )?;
    }
    out.flush()
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").field("address", &self.address).finish_non_exhaustive()
    }
}
