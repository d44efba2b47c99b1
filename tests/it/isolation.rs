//! A plugin in a process of its own: whatever it does there is one clear error of its call, the
//! host serves on, and so does the plugin.

use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_host::isolation::RunnerState;
use storage_plugin_api::{PluginErrorKind, Retry};
use tests::{Installation, LONG, Plugin, Row, Skin, eventually, process_is_there};
use tokio::time::timeout;

/// What a volume's name makes the driver do, and how the process is said to have ended.
const ENDS: &[(&str, &str)] = &[
    ("segfault", "killed by signal 11 (SIGSEGV)"),
    ("abort", "killed by signal 6 (SIGABRT)"),
    ("exit", "exited with status 7"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_its_process_is_one_error_of_each_call_and_it_works_again() {
    for (act, how) in ENDS {
        let plugin = Arc::new(Plugin::fault(Skin::Process).await);
        let pid = plugin.pid();
        let other = {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move { plugin.create("hang").await })
        };
        eventually("the other call is in flight", || plugin.traced("hang began").then_some(()));

        let started = Instant::now();
        let error = plugin.create(act).await.unwrap_err();
        assert!(started.elapsed() < LONG / 2, "{act}: {:?}", started.elapsed());
        assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{act}: {error}");
        let text = format!("the plugin's process {how}");
        assert_eq!(error.message(), text, "{act}");
        let other = other.await.unwrap().unwrap_err();
        assert_eq!(other.kind(), PluginErrorKind::Unavailable, "{act}: {other}");
        assert_eq!(other.message(), text, "{act}");

        plugin.supervisor().up().await;
        plugin.create("any").await.unwrap();
        let status = plugin.supervisor().status();
        assert_eq!((status.state, status.restarts), (RunnerState::Up, 1), "{act}");
        assert_eq!(status.last_end.as_deref(), Some(*how), "{act}");
        assert_ne!(status.pid, Some(pid), "{act}");
        // The new process was given its configuration anew.
        assert!(plugin.traced("configure, attempt 2"), "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_yields_is_given_up_and_its_process_killed() {
    for act in ["spin", "block"] {
        let plugin = Arc::new(Plugin::fault(Skin::Process).await);
        let pid = plugin.pid();
        let other = {
            let plugin = Arc::clone(&plugin);
            tokio::spawn(async move { plugin.create("hang").await })
        };
        let window = Duration::from_millis(300);
        let error = plugin.create_within(act, window).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Timeout, "{act}: {error}");
        assert_eq!(error.operation(), Some("create_async"), "{act}: {error}");
        assert!(error.message().contains("no progress for 300ms"), "{act}: {error}");

        let other = other.await.unwrap().unwrap_err();
        assert_eq!(other.kind(), PluginErrorKind::Unavailable, "{act}: {other}");
        let text = "was killed: create_async did not end within 500ms after it was cancelled";
        assert!(other.message().contains(text), "{act}: {other}");
        eventually("the process is gone", || (!process_is_there(pid)).then_some(()));
        plugin.supervisor().up().await;
        plugin.create("any").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_calls_go_on_beside_one_that_spins() {
    let plugin = Arc::new(Plugin::fault(Skin::Process).await);
    let spinning = {
        let plugin = Arc::clone(&plugin);
        tokio::spawn(async move { plugin.create("spin").await })
    };
    eventually("it spins", || plugin.traced("spin began").then_some(()));
    for _ in 0..20 {
        plugin.create("any").await.unwrap();
    }
    assert_eq!(plugin.supervisor().status().restarts, 0);
    spinning.abort();
}

#[test]
fn what_a_process_writes_to_its_standard_error_is_in_the_log_under_the_plugins_name() {
    let row = Row::fault("fault").set("stderr", "muttered\nagain").isolated();
    let host = Installation::with_null().row(row).start();
    for said in ["muttered", "again"] {
        let line = host.wait_for_line(said);
        assert!(line.contains("WARN") && line.contains("plugin::fault::stderr"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_again_and_again_is_restarted_ever_more_slowly() {
    let plugin = Plugin::fault(Skin::Process).await;
    let mut pauses = Vec::new();
    for end in 1..=5 {
        let error = plugin.create("abort").await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{end}: {error}");
        // Calls fail at once meanwhile, and are told when to come again as soon as that is known.
        let after = loop {
            let error = plugin.create("any").await.unwrap_err();
            assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{end}: {error}");
            if let Retry::Later { after: Some(after) } = error.retry_hint() {
                break after;
            }
        };
        pauses.push(after);
        let expected = if end == 5 { RunnerState::Crashing } else { RunnerState::Restarting };
        assert_eq!(plugin.supervisor().status().state, expected, "{end}");
        if end < 5 {
            timeout(LONG, plugin.supervisor().up()).await.unwrap();
        }
    }
    let most = [100, 200, 400, 800, 30_000].map(Duration::from_millis);
    let all = pauses.iter().zip(most);
    assert!(all.clone().all(|(pause, most)| *pause <= most), "{pauses:?}");
    // Each was asked for some time after the end, never half a pause.
    assert!(pauses[4] > Duration::from_secs(15), "{pauses:?}");
    assert_eq!(plugin.supervisor().status().restarts, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_from_outside_is_started_again() {
    let plugin = Plugin::fault(Skin::Process).await;
    tests::signal(plugin.pid(), rustix::process::Signal::KILL);
    eventually("the end is noted", || plugin.supervisor().status().last_end);
    plugin.supervisor().up().await;
    plugin.create("any").await.unwrap();
    assert_eq!(
        plugin.supervisor().status().last_end.as_deref(),
        Some("killed by signal 9 (SIGKILL)")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_counts_as_dead_after_a_while() {
    let plugin = Plugin::fault(Skin::Process).await;
    let pid = plugin.pid();
    tests::signal(pid, rustix::process::Signal::STOP);
    let error = plugin.create("any").await.unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("silent for too long"), "{error}");
    eventually("the process is gone", || (!process_is_there(pid)).then_some(()));
    plugin.supervisor().up().await;
    plugin.create("any").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_process_ends_with_the_last_handle() {
    let plugin = Plugin::fault(Skin::Process).await;
    let pid = plugin.pid();
    drop(plugin);
    eventually("the process is gone", || (!process_is_there(pid)).then_some(()));
}
