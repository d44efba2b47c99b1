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
        ("configure", "hang".into(), ConfigureHung, &["no progress for 3s"]),
        ("configure", "spin".into(), ConfigureHung, &["3s"]),
        ("configure", "block".into(), ConfigureHung, &["3s"]),
        (
            "configure",
            "error".into(),
            ConfigureFailed,
            &[
                "configure failed: configure: told to fail (volume=error): the outer cause: the inner",
            ],
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
        .host_key("configure_timeout", "3s")
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
fn the_refusal_of_an_unknown_setting_tells_the_known_ones() {
    let host = Installation::with_null().row(Row::fault("fault").set("renaim", true)).start();
    host.refuses("fault", InvalidSettings, &["renaim"]);
    let way_out = host.plugin("fault").text("wayout").to_owned();
    assert!(way_out.contains("it takes configure, count_starts, flag"), "{way_out}");
    let host = Installation::new().row(Row::of("null", "null").set("any", 1)).start();
    host.plugin("null").is_refused(InvalidSettings, &["any"]);
    assert!(host.plugin("null").text("wayout").contains("it takes no settings"));
}

/// What `configure` does in the host and did not do in the probe, where the plugin runs, and how
/// it is refused.
const SECOND_THOUGHTS: &[(&str, bool, RefusalCode, &str)] = &[
    ("panic", false, ConfigurePanicked, "panicked in configure: told to panic"),
    ("error", false, ConfigureFailed, "told to fail"),
    ("hang", false, ConfigureHung, "no progress for 3s"),
    ("panic", true, ConfigurePanicked, "panicked in configure: told to panic"),
    ("hang", true, ConfigureHung, "no progress for 3s"),
    ("abort", true, CrashedWhileConfiguring, "killed by signal 6 (SIGABRT)"),
    ("exit", true, CrashedWhileConfiguring, "exited with status 7"),
];

#[test]
fn a_plugin_that_changes_its_mind_after_the_probe_is_refused_all_the_same() {
    let mut place = Installation::with_null().host_key("configure_timeout", "3s");
    for (at, (later, isolated, ..)) in SECOND_THOUGHTS.iter().enumerate() {
        let flag = place.file(&format!("flag-{at}")).display().to_string();
        // Each is the only one of its name, for the others are refused before it is loaded.
        let row = Row::fault(&format!("fault-{at}")).set("flag", flag).set("later", *later);
        place = place.row(if *isolated { row.isolated() } else { row });
    }
    for (at, (later, _, code, words)) in SECOND_THOUGHTS.iter().enumerate() {
        for other in 0..SECOND_THOUGHTS.len() {
            place.enable(&format!("fault-{other}"), other == at);
        }
        let host = place.start();
        let name = format!("fault-{at}");
        host.refuses(&name, *code, &[words]);
        let (code, said) = host.stop();
        assert_eq!(code, Some(0), "{later}: {said}");
        assert!(!place.file("data/loading").join(name).exists(), "{later}: no marker is left");
    }
}
