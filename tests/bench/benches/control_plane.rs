//! What the control plane costs: create and delete of a volume through the signed API, the saga,
//! the disk, the driver and the poll of the job; the start; the recovery of what a crash left.
//!
//! Beside it the peers' figures, measured on a machine of the same size with the same question
//! ("what a user waits for"): Cinder 6 to 12 cycles a second at 150 to 240 ms of processor time,
//! LXD 85 to 105 at 9 ms.

use anyhow::Context;
use benches::api_client::{ApiClient, field};
use benches::host_process::{HostProcess, Installation};
use benches::row;
use std::time::{Duration, Instant};

const SAMPLE: &str = "[[plugin]]\nname = \"sample\"\nkind = \"volume\"\n";
/// How long each level of concurrency is driven.
const WINDOW: Duration = Duration::from_secs(8);

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    start_and_memory().await?;
    for clients in [1, 4, 32] {
        cycles(clients).await?;
    }
    recovery().await?;
    hung_neighbour().await
}

/// What a crash left: so many volumes whose records say Creating, with their operations.
async fn recovery() -> anyhow::Result<()> {
    const IN_FLIGHT: usize = 10_000;
    let installation = Installation::new(SAMPLE, &["storage-volume-sample"])?;
    let host = installation.start()?;
    let (zone, pool) = pool(&host, &installation, "Sample").await?;
    drop(host);
    benches::in_flight::leave(&installation.data_dir(), &zone, &pool, IN_FLIGHT).await?;
    let begun = Instant::now();
    let host = installation.start()?;
    let served = begun.elapsed();
    let mut client = ApiClient::connect(host.address, &host.credentials).await?;
    let creating = [("state", "Creating"), ("page", "1"), ("pagesize", "1")];
    while client.call("listVolumes", &creating).await?.contains("count") {
        // sleeps because each question costs the host a look at every volume
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    row(
        "start with 10,000 operations in flight",
        &format!("{:.0} ms", served.as_secs_f64() * 1e3),
        "",
    );
    row("  until all of them rest", &format!("{took:.2} s"), "≤ 5 s");
    Ok(())
}

/// What a plugin that hangs costs its neighbours: its process is stopped, with calls under way.
async fn hung_neighbour() -> anyhow::Result<()> {
    let rows = format!(
        "{SAMPLE}[[plugin]]\nname = \"filesystem\"\nkind = \"volume\"\nisolation = \"process\"\n"
    );
    let packages = ["storage-volume-sample", "storage-volume-filesystem"];
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let installation = Installation::new(&rows, &packages)?;
        let host = installation.start()?;
        let (zone, quick) = pool(&host, &installation, "Sample").await?;
        let mut client = ApiClient::connect(host.address, &host.credentials).await?;
        let directory = installation.directory("hung")?;
        let url = format!("file://{}", directory.display());
        let wish =
            [("name", "hung"), ("zoneid", &*zone), ("url", &*url), ("provider", "Filesystem")];
        let made = client.call("createStoragePool", &wish).await?;
        let hung = field(&made, "id").context("a pool")?.to_owned();
        let alone = p99(&host, &zone, &quick).await?;
        let plugins = client.call("listStoragePlugins", &[("name", "filesystem")]).await?;
        let (_, pid) = plugins.split_once("\"pid\":").context("a process")?;
        let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
        std::process::Command::new("kill").args(["-STOP", &pid]).status()?;
        for _ in 0..16 {
            let mut waiting = ApiClient::connect(host.address, &host.credentials).await?;
            let (zone, hung) = (zone.clone(), hung.clone());
            // Whether it is answered while its plugin hangs is no matter here.
            tokio::spawn(async move {
                let wish = [("zoneid", &*zone), ("storageid", &*hung), ("size", "1")];
                waiting.call("createVolume", &wish).await.ok();
            });
        }
        let beside = p99(&host, &zone, &quick).await?;
        std::process::Command::new("kill").args(["-KILL", &pid]).status()?;
        ratios.push(beside / alone);
    }
    let ratio = benches::median(ratios);
    row("p99 beside a plugin that hangs × alone, median of 5", &format!("{ratio:.2}"), "≤ 1.3");
    Ok(())
}

/// The 99th percentile of cycles of 8 clients on a pool, in seconds.
async fn p99(host: &HostProcess, zone: &str, pool: &str) -> anyhow::Result<f64> {
    const CLIENTS: usize = 8;
    const CYCLES: usize = 100;
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = ApiClient::connect(host.address, &host.credentials).await?;
        let (zone, pool) = (zone.to_owned(), pool.to_owned());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for _ in 0..CYCLES {
                let started = Instant::now();
                let wish = [("zoneid", &*zone), ("storageid", &pool), ("size", "1")];
                let volume = client.create("createVolume", &wish).await?;
                client.call("deleteVolume", &[("id", &volume)]).await?;
                times.push(started.elapsed().as_secs_f64());
            }
            anyhow::Ok(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() * 99 / 100])
}

/// A pool of the sample on a directory of the installation; the ids of zone and pool.
async fn pool(
    host: &HostProcess,
    installation: &Installation,
    provider: &str,
) -> anyhow::Result<(String, String)> {
    let mut client = ApiClient::connect(host.address, &host.credentials).await?;
    let zones = client.call("listZones", &[]).await?;
    let zone = field(&zones, "id").context("a zone")?.to_owned();
    let directory = installation.directory("pool")?;
    let directory = directory.to_str().context("a path")?;
    let made = client
        .call(
            "createStoragePool",
            &[
                ("name", "bench"),
                ("zoneid", &zone),
                ("url", &format!("file://{directory}")),
                ("provider", provider),
                ("details[0].path", directory),
                // Sparse volumes of a GiB each are promised, not used.
                ("capacitybytes", "1125899906842624"),
            ],
        )
        .await?;
    let pool = field(&made, "id").context("a pool")?.to_owned();
    Ok((zone, pool))
}

async fn start_and_memory() -> anyhow::Result<()> {
    let installation = Installation::new(SAMPLE, &["storage-volume-sample"])?;
    drop(installation.start()?);
    let mut starts = Vec::new();
    for _ in 0..5 {
        starts.push(installation.start()?.started_in.as_secs_f64());
    }
    let host = installation.start()?;
    pool(&host, &installation, "Sample").await?;
    row("start to serving", &format!("{:.0} ms", benches::median(starts) * 1e3), "≤ 250 ms");
    let mib = host.resident_kib() as f64 / 1024.0;
    row("resident memory at rest", &format!("{mib:.1} MiB"), "≤ 60 MiB");
    Ok(())
}

/// Clients that create and delete volumes as fast as they can.
async fn cycles(clients: usize) -> anyhow::Result<()> {
    let installation = Installation::new(SAMPLE, &["storage-volume-sample"])?;
    let host = installation.start()?;
    let (zone, pool) = pool(&host, &installation, "Sample").await?;
    let cpu_before = host.cpu()?;
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..clients {
        let mut client = ApiClient::connect(host.address, &host.credentials).await?;
        let (zone, pool) = (zone.clone(), pool.clone());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while begun.elapsed() < WINDOW {
                let started = Instant::now();
                let name = format!("bench-{number}-{}", times.len());
                let wish =
                    [("name", &*name), ("zoneid", &zone), ("storageid", &pool), ("size", "1")];
                let volume = client.create("createVolume", &wish).await?;
                client.call("deleteVolume", &[("id", &volume)]).await?;
                times.push(started.elapsed().as_secs_f64());
            }
            anyhow::Ok(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let took = begun.elapsed().as_secs_f64();
    let cpu = (host.cpu()? - cpu_before).as_secs_f64();
    let count = times.len() as f64;
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] * 1e3;
    let many = clients == 32;
    row(
        &format!("create and delete, {clients} clients"),
        &format!("{:.0} /s", count / took),
        if many { "≥ 400 /s, aim 1,000 (Cinder 10, LXD 83)" } else { "" },
    );
    row(
        "  processor time of the host a cycle",
        &format!("{:.2} ms", cpu / count * 1e3),
        if many { "≤ 3 ms (Cinder 184, LXD 9)" } else { "" },
    );
    row("  p50, p99", &format!("{:.1}, {:.1} ms", at(0.5), at(0.99)), "");
    Ok(())
}
