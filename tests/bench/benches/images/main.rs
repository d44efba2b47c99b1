//! What it costs to move images: from a URL to an image store, from there to a pool and back, from
//! a cached template to a volume; dense, sparse, and as qcow2.
//!
//! Beside it the tools that people would use by hand, on the same disk in the same run: cp, and
//! qemu-img, each with the sync that the host does as well. Beside that the figures of Glance and
//! Cinder, measured on a machine of the same size.

mod files;
mod scene;
mod source;
mod tools;

use crate::files::{GIB, MIB};
use crate::scene::Scene;
use crate::source::Source;
use crate::tools::{Cost, XfsMount, run, settle};
use benches::{median, row};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 3;
/// The random bytes of the dense images.
const DENSE: u64 = 2 * GIB;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(all())
}

async fn all() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let dense = directory.path().join("dense.raw");
    files::random(&dense, DENSE)?;
    let mut scene = Scene::new(directory.path(), directory.path()).await?;
    // `… --bench images -- qcow2` measures that alone.
    let parts: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|one| one == part);
    if wanted("dense") {
        dense_image(&mut scene, &dense).await?;
    }
    if wanted("qcow2") {
        qcow2(&mut scene, &dense).await?;
    }
    if wanted("sparse") {
        sparse(&mut scene, directory.path()).await?;
    }
    if wanted("huge") {
        huge(&mut scene, directory.path()).await?;
    }
    drop(scene);
    if wanted("shared") {
        shared_blocks(directory.path(), &dense).await?;
    }
    Ok(())
}

/// All that happens to an image of random bytes, where blocks are not shared.
async fn dense_image(scene: &mut Scene, dense: &Path) -> anyhow::Result<()> {
    let source = Source::new(dense)?;
    let copied = dense.with_extension("cp");
    let [mut down, mut cp, mut to_pool, mut cached, mut back] = [const { Vec::new() }; 5];
    for round in 0..ROUNDS {
        let url = source.url(round);
        settle()?;
        down.push(scene.cost(async |scene| scene.register(&url, "RAW").await).await?);
        let template = scene.last_template()?;
        settle()?;
        to_pool.push(scene.cost(async |scene| scene.prepare(&template).await).await?);
        settle()?;
        cached.push(scene.cost(async |scene| scene.volume_of(&template).await).await?);
        let snapshot = scene.snapshot_of_last_volume().await?;
        settle()?;
        back.push(scene.cost(async |scene| scene.back_up(&snapshot).await).await?);
        scene.forget(&template).await?;
        settle()?;
        cp.push(run(Command::new("cp").arg("--sparse=always").arg(dense).arg(&copied), &copied)?);
        std::fs::remove_file(&copied)?;
    }
    rate("URL to an image store, BLAKE3 on the way", &down, "≥ 0.6 GiB/s (Glance 0.20)");
    cpu("  processor time", &down, "≤ 1.2 s/GiB (Glance 3.1)");
    rate("image store to pool, verified", &to_pool, "");
    cpu("  processor time", &to_pool, "≤ 1.5 s/GiB (Cinder and Glance 9.8)");
    rate("pool to image store (backup), verified", &back, "");
    cpu("  processor time", &back, "≤ 1.5 s/GiB");
    rate("beside them: cp --sparse=always and sync", &cp, "");
    cpu("  processor time", &cp, "");
    ratio("raw volume from a cached template, no shared blocks × cp", &cached, &cp, "≤ 1.2");
    Ok(())
}

/// An image that becomes raw on its way to the pool.
async fn qcow2(scene: &mut Scene, dense: &Path) -> anyhow::Result<()> {
    if !tools::is_there("qemu-img") {
        row("qcow2 to raw beside qemu-img convert", "left out", "install qemu-utils");
        return Ok(());
    }
    let image = dense.with_extension("qcow2");
    let convert = |from: &str, to: &str, source: &Path, target: &Path| {
        let mut command = Command::new("qemu-img");
        command.args(["convert", "-m", "2", "-f", from, "-O", to]).arg(source).arg(target);
        run(&mut command, target)
    };
    convert("raw", "qcow2", dense, &image)?;
    let source = Source::new(&image)?;
    let raw = dense.with_extension("converted");
    let [mut ours, mut theirs] = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        scene.register(&source.url(round), "QCOW2").await?;
        let template = scene.last_template()?;
        settle()?;
        ours.push(scene.cost(async |scene| scene.prepare(&template).await).await?);
        scene.forget(&template).await?;
        settle()?;
        theirs.push(convert("qcow2", "raw", &image, &raw)?);
        std::fs::remove_file(&raw)?;
    }
    std::fs::remove_file(&image)?;
    rate("qcow2 on an image store to raw on a pool, verified", &ours, "");
    cpu("  processor time", &ours, "");
    rate("beside it: qemu-img convert -m 2 and sync", &theirs, "");
    cpu("  processor time", &theirs, "");
    ratio("  time × qemu-img", &ours, &theirs, "≤ 1");
    Ok(())
}

/// 10 GiB of which 200 MiB are data.
async fn sparse(scene: &mut Scene, directory: &Path) -> anyhow::Result<()> {
    const DATA: u64 = 200 * MIB;
    let [thin, small] = ["sparse.raw", "small.raw"].map(|name| directory.join(name));
    files::sparse(&thin, 10 * GIB, DATA)?;
    files::random(&small, DATA)?;
    let [mut sparse, mut dense] = [const { Vec::new() }; 2];
    let mut used = 0;
    for _ in 0..ROUNDS {
        for (path, costs) in [(&thin, &mut sparse), (&small, &mut dense)] {
            scene.register(&format!("file://{}", path.display()), "RAW").await?;
            let template = scene.last_template()?;
            settle()?;
            let before = scene.pool_bytes()?;
            costs.push(scene.cost(async |scene| scene.prepare(&template).await).await?);
            if path == &thin {
                used = scene.pool_bytes()?.saturating_sub(before);
            }
            scene.forget(&template).await?;
        }
    }
    let [of_sparse, of_dense] = [&sparse, &dense].map(|costs| seconds(costs) * 1e3);
    row("10 GiB with 200 MiB of data, image store to pool", &format!("{of_sparse:.0} ms"), "");
    row("beside it: the 200 MiB alone", &format!("{of_dense:.0} ms"), "");
    row("  bytes on the pool", &format!("{} MiB", used / MIB), "200 MiB and a little");
    Ok(())
}

/// 100 GiB, once there and back; by now the host has seen everything.
async fn huge(scene: &mut Scene, directory: &Path) -> anyhow::Result<()> {
    let path = directory.join("huge.raw");
    files::sparse(&path, 100 * GIB, GIB)?;
    scene.register(&format!("file://{}", path.display()), "RAW").await?;
    let template = scene.last_template()?;
    let cost = scene.cost(async |scene| scene.prepare(&template).await).await?;
    scene.forget(&template).await?;
    row("100 GiB with 1 GiB of data, image store to pool", &format!("{:.1} s", cost.wall), "");
    let peak = scene.host.peak_kib() as f64 / 1024.0;
    row("most memory the host ever had", &format!("{peak:.0} MiB"), "≤ 128 MiB");
    Ok(())
}

/// Volumes from a cached template where blocks are shared.
async fn shared_blocks(directory: &Path, dense: &Path) -> anyhow::Result<()> {
    const WHAT: &str = "volume from a cached template, shared blocks (XFS)";
    let mount = match XfsMount::new(directory, 12 * GIB) {
        Ok(mount) => mount,
        Err(why) => {
            row(WHAT, "left out", &format!("{why:#}"));
            return Ok(());
        }
    };
    let mut scene = Scene::new(directory, mount.path()).await?;
    for (what, path, bytes) in [("2 GiB", dense, DENSE), ("100 GiB", &directory.join("h"), 0)] {
        if bytes == 0 {
            files::sparse(path, 100 * GIB, 200 * MIB)?;
        }
        scene.register(&format!("file://{}", path.display()), "RAW").await?;
        let template = scene.last_template()?;
        scene.prepare(&template).await?;
        let mut costs = Vec::new();
        for _ in 0..10 {
            costs.push(scene.cost(async |scene| scene.volume_of(&template).await).await?);
        }
        let milliseconds = seconds(&costs) * 1e3;
        row(&format!("{WHAT}, {what}"), &format!("{milliseconds:.1} ms"), "< 50 ms");
        scene.forget(&template).await?;
    }
    Ok(())
}

/// The middle of the times, in seconds.
fn seconds(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.wall).collect())
}

/// Prints how fast the dense image was moved.
fn rate(what: &str, costs: &[Cost], bound: &str) {
    let gib = DENSE as f64 / GIB as f64 / seconds(costs);
    row(what, &format!("{gib:.2} GiB/s"), bound);
}

/// Prints what a GiB of the dense image cost.
fn cpu(what: &str, costs: &[Cost], bound: &str) {
    let used = median(costs.iter().map(|cost| cost.cpu).collect());
    let per_gib = used * GIB as f64 / DENSE as f64;
    row(what, &format!("{per_gib:.2} s/GiB"), bound);
}

fn ratio(what: &str, ours: &[Cost], theirs: &[Cost], bound: &str) {
    row(what, &format!("{:.2}", seconds(ours) / seconds(theirs)), bound);
}
