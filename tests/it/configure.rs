//! Plugins that load, and misbehave in `configure`.

use storage_host::loader::RefusalCode::{self, *};
use tests::{Installation, Row};
use toml::Value;

const SECRET: &str = "hush-4711-hush";

/// A setting of the fixture, how it is refused, and in which words.
fn cases() -> Vec<(&'static str, Value, RefusalCode, &'static [&'static str])> {
    vec![
        ("configure", "panic".into(), ConfigurePanicked, &["panicked in configure: told to panic"]),
        ("configure", "panic-payload".into(), ConfigurePanicked, &["a payload that is not text"]),
        ("configure", "panic-payload-drop".into(), ConfigurePanicked, &["not text"]),
        ("configure", "segfault".into(), CrashedWhileConfiguring, &["signal 11 (SIGSEGV)"]),
        ("configure", "abort".into(), CrashedWhileConfiguring, &["signal 6 (SIGABRT)"]),
        ("configure", "exit".into(), ExitedWhileLoading, &["exited with status 7"]),
        ("configure", "hang".into(), ConfigureHung, &["no progress for 1s"]),
        ("configure", "spin".into(), ConfigureHung, &["1s"]),
        ("configure", "block".into(), ConfigureHung, &["1s"]),
        (
            "configure",
            "error".into(),
            ConfigureFailed,
            &["configure failed: configure: told to fail (volume=error): the outer cause: the inner"],
        ),
        ("rename", true.into(), NameMismatch, &["\"Fault\" before", "\"Fault, renamed\" after"]),
        ("no_driver", true.into(), NoDriver, &["did not call register_driver"]),
        ("lost_driver", true.into(), NoDriver, &["get_data_store_driver has no driver"]),
        ("no_life_cycle", true.into(), NoDriver, &["has no life cycle"]),
        ("twice", true.into(), ConfigureFailed, &["is registered already"]),
        // Settings are checked before they are given to the plugin.
        ("hidden_key", true.into(), InvalidSettings, &["hidden_key"]),
        ("rename", "yes".into(), InvalidSettings, &["rename", "boolean"]),
        ("secret", 4711.into(), InvalidSettings, &["secret"]),
        ("configure", SECRET.into(), InvalidSettings, &["configure"]),
    ]
}

#[test]
fn a_plugin_that_misbehaves_in_configure_is_refused_for_what_it_did() {
    let name = |at: usize| format!("fault-{at}");
    let rows = cases().into_iter().enumerate().map(|(at, (key, value, ..))| {
        let row = Row::fault(&name(at));
        // Some run in a process of their own: they must not get so far.
        let row = if at % 2 == 0 { row.isolated() } else { row };
        row.set("secret", SECRET).set(key, value)
    });
    let place = Installation::with_null()
        .rows(rows)
        .host_key("configure_timeout", "1s")
        .host_key("probe_timeout", "30s");
    let mut host = place.start();
    let listed = host.plugins();
    listed[0].is_ready();
    for ((key, value, code, words), plugin) in cases().into_iter().zip(&listed[1..]) {
        plugin.is_refused(code, words);
        let shown = plugin.0.to_string();
        assert!(!shown.contains(SECRET), "{key} = {value}: {shown}");
    }
    assert!(host.is_running());
    let (code, said) = host.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains(SECRET), "{said}");
}

#[test]
fn a_schema_that_is_none_and_unknown_settings_are_told_with_what_is_known() {
    let place = Installation::with_null().row(Row::of("sample", "sample").set("fsynk", false));
    let host = place.start();
    host.refuses("sample", InvalidSettings, &["fsynk"]);
    let way_out = host.plugin("sample").text("wayout").to_owned();
    assert!(way_out.contains("it takes fsync"), "{way_out}");
}
