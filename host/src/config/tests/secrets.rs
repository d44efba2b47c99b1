//! Secret files, and that no value of settings is ever shown.

use std::fs;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{ROW, environment, parse_with};
use crate::config::{ConfigError, HostConfig, Overrides};

/// A directory with a configuration and a secret file of a mode.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn secret(&self, name: &str, bytes: impl AsRef<[u8]>, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn parse(&self, row: &str, vars: &[(&str, &str)]) -> Result<HostConfig, ConfigError> {
        let origin = self.dir.path().join("plugins.toml");
        HostConfig::parse(
            &format!("{ROW}{row}\n"),
            &origin,
            &environment(vars),
            &Overrides::default(),
        )
    }

    fn settings(&self, row: &str, variables: &[(&str, &str)]) -> Value {
        let mut config = self.parse(row, variables).unwrap();
        Value::Object(config.plugins.remove(0).settings.into_map())
    }

    #[track_caller]
    fn check(&self, row: &str, variables: &[(&str, &str)], expected: Expect) {
        let error = self.parse(row, variables).unwrap_err().to_string();
        let dir = self.dir.path().display().to_string();
        expected.assert_eq(&format!("{}\n", error.replace(&dir, "DIR")));
    }
}

#[test]
fn file_key_sets_its_twin() {
    let place = Place::new();
    for (written, read) in
        [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a\n\n", "a\n"), (" a ", " a ")]
    {
        place.secret("key", written, 0o600);
        let expected = json!({ "secret_key": read });
        assert_eq!(place.settings("settings.secret_key_file = \"key\"", &[]), expected);
        let absolute = place.dir.path().join("key");
        let line = format!("settings.secret_key_file = {:?}", absolute.to_str().unwrap());
        assert_eq!(place.settings(&line, &[]), expected);
    }
}

#[test]
fn file_that_others_can_read_is_refused() {
    let place = Place::new();
    place.secret("key", "s3cret", 0o640);
    place.check("settings.key_file = \"key\"", &[], expect![[r#"
        DIR/plugins.toml:4:10: plugin "sample": settings.key_file: others can read "DIR/key"; run: chmod 600 "DIR/key"
    "#]]);
    for (mode, good) in [(0o604, false), (0o620, false), (0o700, true), (0o400, true)] {
        place.secret("other", "s3cret", mode);
        let parsed = place.parse("settings.key_file = \"other\"", &[]);
        assert_eq!(parsed.is_ok(), good, "{mode:o}");
        fs::remove_file(place.dir.path().join("other")).unwrap();
    }
}

#[test]
fn files_without_a_secret_are_refused() {
    let place = Place::new();
    place.secret("empty", "\n", 0o600);
    place.secret("binary", [0xff, 0xfe], 0o600);
    place.secret("large", vec![b'a'; 64 * 1024 + 1], 0o600);
    place.secret("full", vec![b'a'; 64 * 1024], 0o600);
    place.check(
        "[plugin.settings]\na_file = \"empty\"\nb_file = \"binary\"\nc_file = \"large\"\n\
         d_file = \".\"\ne_file = \"hunter2\"\nf_file = \"full\"",
        &[("STORAGE_HOST_PLUGIN_SAMPLE_G_FILE", "hunter2")],
        expect![[r#"
            DIR/plugins.toml:5:1: plugin "sample": settings.a_file: "DIR/empty" is empty; write the secret into it
            DIR/plugins.toml:6:1: plugin "sample": settings.b_file: "DIR/binary" is not UTF-8; write the secret as text
            DIR/plugins.toml:7:1: plugin "sample": settings.c_file: "DIR/large" holds more than 64 KiB; name a file with the secret
            DIR/plugins.toml:8:1: plugin "sample": settings.d_file: "DIR/." is not a file; name the file that holds the secret
            DIR/plugins.toml:9:1: plugin "sample": settings.e_file: cannot read the file: No such file or directory (os error 2); write the path of a file with the secret, relative to the directory of the configuration file or absolute
            STORAGE_HOST_PLUGIN_SAMPLE_G_FILE: plugin "sample": settings.g_file: cannot read the file: No such file or directory (os error 2); write the path of a file with the secret, relative to the directory of the configuration file or absolute
        "#]],
    );
}

#[test]
fn key_and_file_together_are_refused() {
    let place = Place::new();
    place.secret("key", "s3cret", 0o600);
    place.check(
        "settings = { key = \"hunter2\", key_file = \"key\" }",
        &[],
        expect![[r#"
            DIR/plugins.toml:4:31: plugin "sample": settings.key_file: settings.key is given too; keep one of the two
        "#]],
    );
    let variables = [
        ("STORAGE_HOST_PLUGIN_SAMPLE_KEY", "hunter2"),
        ("STORAGE_HOST_PLUGIN_SAMPLE_KEY_FILE", "key"),
    ];
    place.check("", &variables, expect![[r#"
        STORAGE_HOST_PLUGIN_SAMPLE_KEY_FILE: plugin "sample": settings.key_file: settings.key is given too; keep one of the two
    "#]]);
}

#[test]
fn variable_replaces_key_and_file_of_the_configuration_file() {
    let place = Place::new();
    place.secret("key", "from file", 0o600);
    let value = [("STORAGE_HOST_PLUGIN_SAMPLE_KEY", "from variable")];
    let file = [("STORAGE_HOST_PLUGIN_SAMPLE_KEY_FILE", "key")];
    let settings = place.settings("settings.key_file = \"gone\"", &value);
    assert_eq!(settings, json!({ "key": "from variable" }));
    let settings = place.settings("settings.key = \"x\"", &file);
    assert_eq!(settings, json!({ "key": "from file" }));
}

#[test]
fn what_is_no_path_stays_for_the_schema() {
    let place = Place::new();
    let settings = place.settings("settings = { keep_file = true, _file = \"x\" }", &[]);
    assert_eq!(settings, json!({ "keep_file": true, "_file": "x" }));
}

#[test]
fn disabled_row_needs_no_secret() {
    let place = Place::new();
    let row = "enabled = false\nsettings.key_file = \"gone\"";
    assert_eq!(place.settings(row, &[]), json!({ "key_file": "gone" }));
}

#[test]
fn no_form_of_a_configuration_shows_a_setting() {
    let variables = [("STORAGE_HOST_PLUGIN_SAMPLE_TOKEN", "hunter2")];
    let text = format!("{ROW}settings = {{ key = \"hunter2\", deep = {{ key = \"hunter2\" }} }}");
    let config = parse_with(&text, &variables).unwrap();
    let debug = format!("{config:?} {:?}", environment(&variables));
    assert!(!debug.contains("hunter2"), "{debug}");
    assert!(debug.contains("settings: {\"deep\", \"key\", \"token\"}"), "{debug}");
    expect![[r#"
        {
          "host": {
            "call_timeout": "1m",
            "configure_timeout": "30s",
            "data_dir": "data",
            "listen": "127.0.0.1:8250",
            "log": "info",
            "plugin_dir": "plugins/storage",
            "probe_timeout": "5s"
          },
          "origin": "plugins.toml",
          "plugin": [
            {
              "call_timeout": null,
              "enabled": true,
              "isolation": "in-process",
              "kind": "volume",
              "library": "storage_volume_sample",
              "line": 1,
              "name": "sample",
              "required": false,
              "settings": {
                "deep": "(set)",
                "key": "(set)",
                "token": "(set)"
              },
              "sha256": null
            }
          ],
          "storage": {
            "default_primary_provider": "Filesystem",
            "download_allow": [],
            "download_directories": [],
            "download_proxy": "",
            "expunge_delay": "1day",
            "expunge_interval": "1day",
            "image_cache_high_watermark": 0.9,
            "image_cache_low_watermark": 0.7,
            "image_cache_max_age": "30days",
            "image_store_threshold": 0.9,
            "max_image_bytes": 53687091200,
            "max_virtual_bytes": 2199023255552,
            "overprovision_factor": 2.0,
            "promised_threshold": 0.85,
            "used_threshold": 0.95
          }
        }"#]]
    .assert_eq(&format!("{:#}", config.to_json()));
}
