//! What loading costs: time and memory of one small plugin and of a thousand, digest verified.

use anyhow::Context;
use benches::{library, median, resident_kib, row};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_host::config::{PluginKind, PluginRow};
use storage_host::loader::Loader;
use storage_host::loader::digest::Digest;
use storage_plugin_api::HostServices;
use storage_plugin_api::conformance::MemoryHost;

/// How many copies are loaded in all.
const COPIES: usize = 1000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let plugins = scratch.path().join("plugins");
    let volume = plugins.join("volume");
    fs::create_dir_all(&volume)?;
    let source = library("storage-volume-null");
    let rows = copies(&source, &volume)?;
    let loader = Loader {
        executable: benches::host_executable(),
        plugin_dir: plugins,
        data_dir: scratch.path().to_owned(),
        probe_timeout: Duration::from_secs(5),
        configure_timeout: Duration::from_secs(5),
        log_level: log::LevelFilter::Off,
    };
    let mut times = Vec::new();
    // How much more is resident after each load than before the first.
    let mut memory = Vec::new();
    let before = resident_kib();
    for plugin in &rows {
        times.push(load(&loader, plugin).await?);
        memory.push(resident_kib().saturating_sub(before));
    }
    let millis = |times: &[f64]| format!("{:.2} ms", median(times.to_vec()));
    let size = fs::metadata(&source)?.len() / 1024;
    row("library", &format!("{size} KiB"), "");
    row("load with digest verified, first 10", &millis(&times[..10]), "≤ 2 ms");
    row("load with digest verified, last 100 of 1,000", &millis(&times[COPIES - 100..]), "≤ 2 ms");
    let ratio = median(times[COPIES - 100..].to_vec()) / median(times[..100].to_vec());
    row("  last 100 × first 100", &format!("{ratio:.2}"), "linear: 1");
    row("all 1,000", &format!("{:.0} ms", times.iter().sum::<f64>()), "");
    let mib = |plugins: usize| {
        let each = memory[plugins - 1] as f64 / plugins as f64;
        format!("{:.2} MiB", each / 1024.0)
    };
    row("resident memory of the first, with what the host needs once", &mib(1), "");
    row("resident memory a plugin, of 10", &mib(10), "≤ 1.5 MiB");
    row("resident memory a plugin, of 1,000", &mib(COPIES), "≤ 1.5 MiB");
    Ok(())
}

fn copies(source: &Path, directory: &Path) -> anyhow::Result<Vec<PluginRow>> {
    let digest = Digest::of(source).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    (0..COPIES)
        .map(|at| {
            let mut plugin = PluginRow::of_file(&format!("copy{at}"), PluginKind::Volume);
            plugin.sha256 = Some(digest.0);
            fs::copy(source, directory.join(plugin.file_name())).context("cannot copy")?;
            Ok(plugin)
        })
        .collect()
}

/// Everything but the probe, which an unchanged library needs once: milliseconds.
async fn load(loader: &Loader, plugin: &PluginRow) -> anyhow::Result<f64> {
    let refused = |refusal| anyhow::anyhow!("{refusal}");
    let services: Arc<dyn HostServices> = Arc::new(MemoryHost::new("bench"));
    let started = Instant::now();
    let inspected = loader.inspect(plugin).map_err(refused)?;
    let provider = loader.load(plugin, &inspected, services).await.map_err(refused)?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    std::mem::forget(provider);
    Ok(took)
}
