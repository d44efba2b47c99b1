//! The host as a process: it ends in order when told to, and its children never outlive it.

use rustix::process::Signal;
use storage_plugin_api::Secret;
use tests::{Host, Installation, Row, eventually, process_is_there, signal};

fn isolated() -> Installation {
    Installation::with_null().row(Row::fault("fault").isolated())
}

fn pid_of(host: &Host, plugin: &str) -> u32 {
    host.plugin(plugin).0["pid"].as_u64().unwrap() as u32
}

#[test]
fn the_host_ends_in_order_when_it_is_told_to() {
    for which in [Signal::TERM, Signal::INT] {
        let place = isolated();
        let host = place.start();
        let runner = pid_of(&host, "fault");
        assert!(place.file("data/endpoint.json").exists());
        host.process().signal(which);
        let (status, said) = host.wait();
        assert_eq!(status.code(), Some(0), "{which:?}: {said}");
        assert!(!place.file("data/endpoint.json").exists(), "{which:?}");
        eventually("the plugin's process ends", || (!process_is_there(runner)).then_some(()));
        // What it was in the middle of is no reason not to load a plugin.
        let host = place.start();
        host.plugin("fault").is_ready();
    }
}

#[test]
fn the_processes_of_plugins_die_with_the_host() {
    let place = isolated();
    let host = place.start();
    let runner = pid_of(&host, "fault");
    assert!(process_is_there(runner));
    host.kill();
    eventually("the plugin's process ends", || (!process_is_there(runner)).then_some(()));

    // The leftover endpoint.json is no obstacle, and is told apart from a running host's.
    let ended = place.run(&["api", "listStorageProviders"]).with_code(1);
    assert!(ended.err.contains("the host is not running"), "{ended:?}");
    place.start().plugin("fault").is_ready();
}

#[test]
fn the_processes_of_plugins_die_with_a_host_that_is_still_starting() {
    let place = Installation::with_null();
    let trace = place.file("trace");
    let row = Row::fault("fault").set("trace", trace.display().to_string());
    let place = place.row(row.set("configure", "hang"));
    let host = place.launch();
    eventually("the probe configures the plugin", || {
        std::fs::read_to_string(&trace).unwrap_or_default().contains("now").then_some(())
    });
    let host_pid = host.pid();
    let children = || -> Vec<u32> {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| parent_of(*pid) == Some(host_pid)).collect()
    };
    let probes = children();
    assert!(!probes.is_empty());
    host.signal(Signal::KILL);
    host.wait();
    for probe in probes {
        eventually("the probe ends", || (!process_is_there(probe)).then_some(()));
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "12 (name with ) anything) S 1 …"
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_plugins_process_that_ends_is_started_again_and_the_listing_tells() {
    let host = isolated().start();
    let first = pid_of(&host, "fault");
    signal(first, Signal::ABORT);
    let plugin = eventually("it is started again", || {
        let plugin = host.plugin("fault");
        (plugin.text("state") == "Ready" && plugin.0["restarts"] == 1).then_some(plugin)
    });
    assert_eq!(plugin.text("lastend"), "killed by signal 6 (SIGABRT)");
    assert_ne!(pid_of(&host, "fault"), first);
    host.plugin("null").is_ready();
}

#[test]
fn a_plugins_process_knows_nothing_of_the_hosts_options_and_leaves_no_core() {
    let secret = Secret::new("hush");
    let place = isolated().variable("STORAGE_HOST_PLUGIN_FAULT_SECRET", secret.expose());
    let host = place.start();
    let runner = pid_of(&host, "fault");
    let environment = std::fs::read(format!("/proc/{runner}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(!environment.contains("STORAGE_HOST_"), "{environment}");
    let arguments = std::fs::read_to_string(format!("/proc/{runner}/cmdline")).unwrap();
    assert!(!arguments.contains("hush"), "{arguments}");
    let limits = std::fs::read_to_string(format!("/proc/{runner}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[test]
fn two_hosts_do_not_share_a_data_directory() {
    let place = isolated();
    let first = place.start();
    let ended = place.start_and_fail().with_code(3);
    assert!(!ended.err.is_empty());
    first.plugin("fault").is_ready();
}
