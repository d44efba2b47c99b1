//! The plug is pulled, again and again: `cargo xtask crash --kills 300 --seed 7`.
//!
//! Clients create, grow, snapshot, revert, clone and delete volumes on two pools, one of a plugin
//! in the host's process and one of a plugin in its own; each has an instance whose volumes it
//! attaches, snapshots together and puts back; each registers templates, makes volumes of them and
//! copies snapshots to the image store. The host, or that plugin's process, is
//! killed with SIGKILL at a moment that chance picks. The host is started again; each client sends
//! again what it had no answer to, with the same token. Then everything is looked at: what was
//! acknowledged is there, with the right bytes, nothing is half-way, and the directories hold
//! exactly what the lists say. Only the kill of a plugin excuses that something was undone, and
//! only until its pool answers again.
//!
//! A seed picks the same decisions again; the moments of the kills are the machine's.

mod chance;
mod check;
mod client;
mod model;
mod scene;

use chance::Chance;
use model::KINDS;
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
    run(number("--kills", KILLS), number("--seed", SEED));
    ExitCode::SUCCESS
}

/// Panics at the first lie of the host.
fn run(kills: u64, seed: u64) {
    let mut chance = Chance::new(seed);
    let mut scene = Scene::new();
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|number| client::Client::new(number, chance.fork(), &scene)).collect();
    let (mut of_host, mut of_plugin) = (0, 0);
    let mut recoveries = Vec::new();
    let mut seen = check::Seen::default();
    while of_host + of_plugin < kills {
        let undone_before = undone(&clients);
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
        // Of twelve kills some are of a plugin, whatever chance says.
        let kills_plugin = chance.below(4) == 0 || (of_plugin + 1) * 6 <= of_host;
        let mut plugin_was_killed = false;
        if kills_plugin {
            plugin_was_killed = scene.kill_plugin();
            of_plugin += u64::from(plugin_was_killed);
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
        // From here on nothing excuses anything: every pool answers again.
        scene.host().is_well();
        let recovered_in = begun.elapsed();
        scene.expect_recovered_soon(recovered_in);
        recoveries.push(recovered_in);
        let undone_now = undone(&clients);
        assert!(
            plugin_was_killed || undone_now == undone_before,
            "no plugin was killed, and still operations were undone: {undone_now:#?}"
        );
        seen += check::check(&scene, &clients);
    }
    let acknowledged = sum(clients.iter().map(|client| &client.acknowledged));
    let all: u64 = acknowledged.values().sum();
    assert!(
        all >= kills * CLIENTS as u64,
        "{all} operations acknowledged in {kills} rounds of {CLIENTS} clients: hardly any worked"
    );
    let missing: Vec<_> = KINDS.iter().filter(|kind| !acknowledged.contains_key(*kind)).collect();
    assert!(kills < KILLS || missing.is_empty(), "never acknowledged: {missing:?}");
    let reasons = undone(&clients);
    recoveries.sort();
    let mut out = std::io::stdout().lock();
    let mut say = |text: String| {
        // Nobody listens if this fails.
        writeln!(out, "crash: {text}").ok();
    };
    say(format!("seed {seed}, {of_host} kills of the host, {of_plugin} of a plugin's process"));
    say(format!("{all} operations acknowledged: {acknowledged:?}"));
    say(format!("{} undone", reasons.values().sum::<u64>()));
    for (why, count) in &reasons {
        say(format!("  {count} undone: {why}"));
    }
    say(format!("{} looks at everything: {seen:?}", recoveries.len()));
    say(format!(
        "recovered in {:.2?} at the median, {:.2?} at most",
        recoveries.get(recoveries.len() / 2).copied().unwrap_or_default(),
        recoveries.last().copied().unwrap_or_default(),
    ));
}

/// What was undone so far, by the reason.
fn undone(clients: &[client::Client]) -> BTreeMap<String, u64> {
    sum(clients.iter().map(|client| &client.undone))
}

/// The counts of many, added up.
fn sum<'a, K: Ord + Clone + 'a>(
    counts: impl Iterator<Item = &'a BTreeMap<K, u64>>,
) -> BTreeMap<K, u64> {
    let mut all = BTreeMap::new();
    for (what, count) in counts.flatten() {
        *all.entry(what.clone()).or_default() += count;
    }
    all
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
