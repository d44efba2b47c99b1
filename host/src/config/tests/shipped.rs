//! The `plugins.toml` that the project ships: complete, and true to the defaults.
//!
//! Prose lines begin with `##`; a line that begins with `# ` is an option at its default.

use std::collections::BTreeSet;

use super::{SHIPPED, parse};
use crate::config::environment::host_variable;
use crate::config::{HostSection, Isolation, PluginKind, StorageSection, host, plugin, storage};

/// Takes the mark off the options; prose has two marks.
fn uncommented() -> String {
    let lines = SHIPPED.lines().map(|line| match line.strip_prefix("# ") {
        Some(option) => {
            let key = option.split(" = ").next().unwrap_or_default();
            let known = host::SECTION.knows(key)
                || storage::SECTION.knows(key)
                || plugin::SECTION.knows(key);
            assert!(known && option.contains(" = "), "prose begins with ##: {line}");
            option
        }
        None => {
            let prose = line == "##" || line.starts_with("## ");
            assert!(prose || !line.starts_with('#'), "neither prose nor option: {line}");
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn shipped_file_enables_exactly_our_own_plugins() {
    let config = parse(SHIPPED);
    let names: Vec<_> = config.plugins.iter().map(|row| (row.name.as_str(), row.kind)).collect();
    let ours = [
        ("sample", PluginKind::Volume),
        ("filesystem", PluginKind::Volume),
        ("nfs", PluginKind::Image),
        ("s3", PluginKind::Image),
    ];
    assert_eq!(names, ours);
    for row in &config.plugins {
        assert_eq!((row.enabled, row.required), (true, false), "{}", row.name);
        assert_eq!(row.isolation, Isolation::InProcess, "{}", row.name);
    }
    assert_eq!(config.host, HostSection::default());
    assert_eq!(config.storage, StorageSection::default());
}

#[test]
fn shipped_file_uncommented_equals_the_defaults() {
    let text = uncommented();
    assert_eq!(parse(&text), parse(SHIPPED));
    let of_host = host::SECTION.keys.iter().map(|key| key.name);
    for name in of_host.chain(storage::SECTION.keys.iter().map(|key| key.name)) {
        assert!(text.contains(&format!("\n{name} = ")), "{name} has no option");
    }
}

#[test]
fn shipped_file_documents_every_key_and_variable() {
    let words: BTreeSet<&str> =
        SHIPPED.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let of_host = host::SECTION.keys.iter().map(|key| key.name);
    for name in of_host.chain(storage::SECTION.keys.iter().map(|key| key.name)) {
        assert!(words.contains(name), "{name}");
        let variable = host_variable(name);
        assert!(words.contains(variable.as_str()), "{variable}");
    }
    for key in plugin::SECTION.keys {
        assert!(words.contains(key.name), "{}", key.name);
    }
    assert!(words.contains("settings"));
}

#[test]
fn documented_words_are_the_known_ones() {
    for word in ["error", "warn", "info", "debug", "trace", "in-process", "process"] {
        assert!(SHIPPED.contains(&format!("\"{word}\"")), "{word}");
    }
}
