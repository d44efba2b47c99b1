//! From the rows of plugins.toml to registered providers.
//!
//! Libraries are looked at and probed side by side, then loaded one after the other in the order
//! of their rows: if one takes the host down, its marker says which. A plugin that is refused
//! leaves its reason in the registry, and the others serve.

use super::services::PluginServices;
use crate::config::{HostConfig, Isolation, PluginRow};
use crate::isolation::{RunnerState, Supervisor, load_isolated};
use crate::loader::{Inspected, Loader, Refusal, RefusalCode};
use crate::registry::{
    DataStoreProviderManager, PluginReport, PluginState, ProcessReport, ProcessStatus,
    ProviderSummary,
};
use crate::store::Repository;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::abi::{Manifest, RemoteProvider};
use storage_plugin_api::{DataStoreProvider, HostServices};

/// A row whose library was looked at and, if it may run, probed.
struct Candidate<'a> {
    position: usize,
    row: &'a PluginRow,
    report: PluginReport,
    probed: Option<(Inspected, Manifest)>,
}

impl Candidate<'_> {
    fn refuse(&mut self, refusal: Refusal) {
        log::error!(plugin = self.row.name.as_str(); "{}", refusal.summary());
        self.report.state = PluginState::Failed;
        self.report.refusal = Some(refusal);
        self.probed = None;
    }
}

/// Loads every enabled plugin and registers its provider.
///
/// # Errors
/// The reports of plugins that are `required` and were refused.
pub async fn load_plugins(
    config: &HostConfig,
    loader: &Loader,
    repository: &Arc<dyn Repository>,
    registry: &DataStoreProviderManager,
) -> Result<(), Vec<PluginReport>> {
    let mut candidates = look_and_probe(config, loader).await;
    refuse_duplicates(&mut candidates);
    let mut missing = Vec::new();
    for mut candidate in candidates {
        // Without a provider nothing is loaded, and nobody asks for services.
        let provider = candidate.probed.as_ref().map_or("", |(_, manifest)| manifest.name.as_str());
        let services = PluginServices::new(
            &candidate.row.name,
            provider,
            Arc::clone(repository),
            &config.host.data_dir,
        );
        let loaded = match candidate.probed.take() {
            Some(probed) => load(loader, &mut candidate, &probed, Arc::new(services)).await,
            None => None,
        };
        if candidate.row.required && candidate.report.state == PluginState::Failed {
            missing.push(candidate.report.clone());
        }
        let (provider, process) = loaded.unzip();
        registry.put(candidate.position, candidate.report, provider, process.flatten());
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// Reports of every row as far as they can be made without a running host: looked at and probed.
pub async fn look_at_plugins(config: &HostConfig, loader: &Loader) -> Vec<PluginReport> {
    let mut candidates = look_and_probe(config, loader).await;
    refuse_duplicates(&mut candidates);
    for candidate in &mut candidates {
        if let Some((_, manifest)) = &candidate.probed {
            candidate.report.provider = Some(ProviderSummary::of(manifest));
        }
    }
    candidates.into_iter().map(|candidate| candidate.report).collect()
}

async fn look_and_probe<'a>(config: &'a HostConfig, loader: &Loader) -> Vec<Candidate<'a>> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let slots = Arc::new(tokio::sync::Semaphore::new(cores));
    let tasks: Vec<_> = config
        .plugins
        .iter()
        .map(|row| {
            let (row, loader, slots) = (row.clone(), loader.clone(), Arc::clone(&slots));
            tokio::spawn(async move {
                // Never closed, so this is always a permit.
                let _permit = slots.acquire_owned().await.ok();
                let started = Instant::now();
                let inspected = {
                    let (loader, row) = (loader.clone(), row.clone());
                    tokio::task::spawn_blocking(move || loader.inspect(&row)).await
                };
                let inspected = match inspected {
                    Ok(inspected) => inspected,
                    Err(error) => Err(inspection_failed(&row, &error)),
                };
                let manifest = match &inspected {
                    Ok(inspected) if row.enabled => Some(loader.probe(&row, inspected).await),
                    _ => None,
                };
                (inspected, manifest, started.elapsed())
            })
        })
        .collect();
    let mut candidates = Vec::new();
    for ((position, row), task) in config.plugins.iter().enumerate().zip(tasks) {
        let mut candidate =
            Candidate { position, row, report: report_of(row, loader), probed: None };
        match task.await {
            Ok((Ok(inspected), manifest, took)) => {
                candidate.report.path.clone_from(&inspected.located.path);
                candidate.report.digest = Some(inspected.digest);
                candidate.report.metadata.clone_from(&inspected.object.metadata);
                candidate.report.glibc = inspected.object.glibc;
                candidate.report.load_ms = Some(millis(took));
                match manifest {
                    Some(Ok(manifest)) => candidate.probed = Some((inspected, manifest)),
                    Some(Err(refusal)) => candidate.refuse(refusal),
                    None => {}
                }
            }
            Ok((Err(refusal), _, _)) if row.enabled => candidate.refuse(refusal),
            Ok((Err(_), _, _)) => {}
            Err(error) => candidate.refuse(inspection_failed(row, &error)),
        }
        candidates.push(candidate);
    }
    candidates
}

fn inspection_failed(row: &PluginRow, error: &tokio::task::JoinError) -> Refusal {
    Refusal::new(
        RefusalCode::Malformed,
        format!("cannot look at plugin {:?}", row.name),
        format!("the host failed over the file: {error}"),
        "report this with the file",
    )
}

fn report_of(row: &PluginRow, loader: &Loader) -> PluginReport {
    PluginReport {
        name: row.name.clone(),
        kind: row.kind,
        isolation: row.isolation,
        required: row.required,
        state: if row.enabled { PluginState::Loading } else { PluginState::Disabled },
        refusal: None,
        path: loader.plugin_dir.join(row.kind.to_string()).join(row.file_name()),
        digest: None,
        metadata: None,
        glibc: None,
        provider: None,
        load_ms: None,
        process: None,
    }
}

fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// The first row of a file and of a provider's name wins, in the order of plugins.toml.
fn refuse_duplicates(candidates: &mut [Candidate<'_>]) {
    let mut files: HashMap<(u64, u64), String> = HashMap::new();
    let mut names: HashMap<String, (String, String)> = HashMap::new();
    for candidate in candidates {
        let Some((inspected, manifest)) = &candidate.probed else {
            continue;
        };
        let row = candidate.row.name.clone();
        let located = &inspected.located;
        let path = located.path.display().to_string();
        if let Some(first) = files.get(&(located.dev, located.ino)) {
            let refusal = Refusal::new(
                RefusalCode::DuplicateFile,
                format!("cannot load plugin {row:?} ({path})"),
                format!("row {first:?} loads the very same file"),
                "remove one of the two rows; a second instance needs a copy of the file",
            );
            candidate.refuse(refusal);
        } else if let Some((first, first_path)) = names.get(&manifest.name) {
            let refusal = Refusal::new(
                RefusalCode::DuplicateName,
                format!("cannot load plugin {row:?} ({path})"),
                format!(
                    "its provider is called {:?}, as that of row {first:?} ({first_path}) is",
                    manifest.name
                ),
                "enable only one of the two in plugins.toml",
            );
            candidate.refuse(refusal);
        } else {
            files.insert((located.dev, located.ino), row.clone());
            names.insert(manifest.name.clone(), (row, path));
        }
    }
}

type Loaded = (Arc<dyn DataStoreProvider>, Option<Arc<ProcessStatus>>);

async fn load(
    loader: &Loader,
    candidate: &mut Candidate<'_>,
    (inspected, expected): &(Inspected, Manifest),
    services: Arc<dyn HostServices>,
) -> Option<Loaded> {
    let started = Instant::now();
    let row = candidate.row;
    let outcome = match row.isolation {
        Isolation::InProcess => {
            loader.load(row, inspected, services).await.map(|provider| (provider, None))
        }
        Isolation::Process => load_isolated(loader, row, inspected, services)
            .await
            .map(|(provider, supervisor)| (provider, Some(process_status(supervisor)))),
    };
    let outcome = outcome.and_then(|loaded| same_name(row, expected, loaded));
    match outcome {
        Ok((provider, process)) => {
            let summary = ProviderSummary::of(&provider.manifest());
            let took = millis(started.elapsed());
            log::info!(
                plugin = row.name.as_str();
                "provider {:?} is ready ({}, {took} ms)", summary.name, row.isolation
            );
            candidate.report.state = PluginState::Ready;
            candidate.report.provider = Some(summary);
            candidate.report.load_ms = Some(took);
            Some((Arc::new(provider), process))
        }
        Err(refusal) => {
            candidate.refuse(refusal);
            None
        }
    }
}

fn same_name<T>(
    row: &PluginRow,
    expected: &Manifest,
    loaded: (RemoteProvider, T),
) -> Result<(RemoteProvider, T), Refusal> {
    let name = loaded.0.get_name();
    if name == expected.name {
        return Ok(loaded);
    }
    Err(Refusal::new(
        RefusalCode::NameMismatch,
        format!("cannot load plugin {:?}", row.name),
        format!("its provider was {:?} in the probe and is {name:?} in the host", expected.name),
        "a name is stored with every store and must not change; tell the plugin's vendor",
    ))
}

fn process_status(supervisor: Arc<Supervisor>) -> Arc<ProcessStatus> {
    Arc::new(move || {
        let status = supervisor.status();
        let state = match status.state {
            RunnerState::Up => PluginState::Ready,
            RunnerState::Restarting => PluginState::Restarting,
            RunnerState::Crashing => PluginState::Crashing,
        };
        let report =
            ProcessReport { pid: status.pid, restarts: status.restarts, last_end: status.last_end };
        (state, report)
    })
}
