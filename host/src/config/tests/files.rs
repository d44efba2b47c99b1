//! Reading the file itself.

use std::fs;
use std::path::Path;

use expect_test::expect;

use super::ROW;
use crate::config::{ConfigError, Environment, HostConfig, Overrides};

fn load(path: &Path) -> Result<HostConfig, ConfigError> {
    HostConfig::load(path, &Environment::default(), &Overrides::default())
}

#[test]
fn missing_file_says_how_to_get_one() {
    let dir = tempfile::tempdir().unwrap();
    let error = load(&dir.path().join("plugins.toml")).unwrap_err().to_string();
    let error = error.replace(&dir.path().display().to_string(), "DIR");
    expect!["DIR/plugins.toml: no such file; name the configuration file with --config FILE or STORAGE_HOST_CONFIG, or run where plugins.toml is"].assert_eq(&error);
}

#[test]
fn unreadable_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("cannot read the configuration file: "), "{error}");
    let path = dir.path().join("plugins.toml");
    fs::write(&path, b"[host]\n# caf\xe9\n").unwrap();
    let error = load(&path).unwrap_err().to_string();
    let error = error.replace(&dir.path().display().to_string(), "DIR");
    expect!["DIR/plugins.toml:2:6: this byte is not UTF-8; save the file as UTF-8"]
        .assert_eq(&error);
}

#[test]
fn load_reads_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugins.toml");
    fs::write(&path, ROW).unwrap();
    let config = load(&path).unwrap();
    assert_eq!(config.origin, path);
    assert_eq!(config.host.data_dir, dir.path().join("data"));
    assert_eq!(config.plugins.len(), 1);
}
