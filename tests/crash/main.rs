//! The plug is pulled, again and again: `cargo xtask crash --kills 300 --seed 7`.
//!
//! Clients create, grow, snapshot, revert, clone and delete volumes on two pools, one of a plugin
//! in the host's process and one of a plugin in its own. The host, or that plugin's process, is
//! killed with SIGKILL at a moment that chance picks. The host is started again; each client sends
//! again what it had no answer to, with the same token. Then everything is looked at: what was
//! acknowledged is there, with the right bytes, nothing is half-way, and the directories hold
//! exactly what the lists say.
//!
//! A seed picks the same decisions again; the moments of the kills are the machine's.

mod chance;
mod check;
mod client;
mod model;
mod scene;

use chance::Chance;
use rustix::process::Signal;
use scene::Scene;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What CI pays for; a release is worth more.
const KILLS: u64 = 12;
const SEED: u64 = 1;
const CLIENTS: usize = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // What other harnesses are asked: this one has no list of tests.
    if arguments.iter().any(|one| one == "--list") {
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, otherwise: u64| {
        let at = arguments.iter().position(|one| one == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let figures = run(number("--kills", KILLS), number("--seed", SEED));
    // Nobody listens if this fails.
    writeln!(std::io::stdout(), "{figures}").ok();
    if figures.contains("all is well") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(kills: u64, seed: u64) -> String {
    let mut chance = Chance::new(seed);
    let mut scene = Scene::new();
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|number| client::Client::new(number, chance.fork(), &scene)).collect();
    let (mut of_host, mut of_plugin) = (0, 0);
    let mut recoveries = Vec::new();
    while of_host + of_plugin < kills {
        let stop = Arc::new(AtomicBool::new(false));
        let working: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                let stop = Arc::clone(&stop);
                let data_dir = scene.data_dir();
                std::thread::spawn(move || {
                    client.work(&data_dir, &stop);
                    client
                })
            })
            .collect();
        pause(Duration::from_millis(30 + chance.below(470)));
        if chance.below(4) == 0 {
            of_plugin += u64::from(scene.kill_plugin());
            pause(Duration::from_millis(50 + chance.below(200)));
            stop.store(true, Ordering::Relaxed);
            clients = joined(working);
        } else {
            of_host += 1;
            scene.signal(Signal::KILL);
            clients = joined(working);
            scene.start_again();
        }
        let begun = Instant::now();
        for client in &mut clients {
            client.settle(&scene.data_dir());
        }
        scene.wait_until_nothing_runs();
        recoveries.push(begun.elapsed());
        check::check(&scene, &clients);
    }
    let mut acknowledged = 0;
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for client in &clients {
        acknowledged += client.acknowledged;
        for (why, count) in &client.undone {
            *reasons.entry(why).or_default() += count;
        }
    }
    let undone: u64 = reasons.values().sum();
    let reasons: String =
        reasons.iter().map(|(why, count)| format!("crash:   {count} undone: {why}\n")).collect();
    recoveries.sort();
    let longest = recoveries.last().copied().unwrap_or_default();
    format!(
        "crash: seed {seed}, {of_host} kills of the host, {of_plugin} of a plugin's process\n\
         crash: {acknowledged} operations acknowledged, {undone} undone, {} objects at the end\n\
         {reasons}crash: 0 lost, 0 stuck, 0 orphans, 0 with wrong bytes; all is well\n\
         crash: recovered in {:.2?} at the median, {longest:.2?} at most",
        clients.iter().map(|client| client.model.len()).sum::<usize>(),
        recoveries.get(recoveries.len() / 2).copied().unwrap_or_default(),
    )
}

/// Lets the clients work for a while.
#[expect(clippy::disallowed_methods, reason = "the moment of a kill is to be any")]
fn pause(time: Duration) {
    // sleeps because the moment of a kill is to be any
    std::thread::sleep(time);
}

fn joined(working: Vec<std::thread::JoinHandle<client::Client>>) -> Vec<client::Client> {
    working
        .into_iter()
        .map(|one| match one.join() {
            Ok(client) => client,
            Err(panic) => std::panic::resume_unwind(panic),
        })
        .collect()
}
