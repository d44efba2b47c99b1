//! What the benches share: the staged files, fair timing, figures in rows.
//!
//! Figures are medians of rounds; what is compared takes its rounds in turn in one run, so a
//! machine that slows down slows both. Nothing here asserts a time.

pub mod api_client;
pub mod host_process;
pub mod in_flight;

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The staged host. `cargo xtask bench` builds it first.
pub fn host_executable() -> PathBuf {
    target().join("staged/storage-host")
}

/// A library built with the `staged` profile.
pub fn library(package: &str) -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    target().join(format!("staged/{DLL_PREFIX}{}{DLL_SUFFIX}", package.replace('-', "_")))
}

/// The middle of some durations, in nanoseconds.
pub fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds a call takes, on average over `calls` of it.
pub async fn per_call<F, Fut>(calls: u32, mut call: F) -> f64
where
    F: FnMut() -> Fut,
    Fut: Future,
{
    let started = Instant::now();
    for _ in 0..calls {
        call().await;
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}

/// Prints a row: what, the figure, the bound it is meant to keep.
pub fn row(what: &str, figure: &str, bound: &str) {
    // Whoever closed the pipe has seen enough.
    writeln!(std::io::stdout(), "{what:<62} {figure:>16}   {bound}").ok();
}

/// Nanoseconds for people.
pub fn nanos(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n => format!("{:.2} ms", n / 1e6),
    }
}

/// Gigabytes a second.
pub fn rate(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64() / 1e9
}

/// The resident memory of this process, in KiB.
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}
