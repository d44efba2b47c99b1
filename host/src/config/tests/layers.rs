//! The environment and the flags over the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use expect_test::expect;
use log::Level;
use serde_json::json;

use super::{ROW, check, environment, parse_with};
use crate::config::{Environment, HostConfig, HostSection, Overrides, StorageSection};

#[test]
fn every_host_key_has_a_twin_in_the_environment() {
    let variables = [
        ("STORAGE_HOST_LISTEN", "0.0.0.0:1"),
        ("STORAGE_HOST_DATA_DIR", "/d"),
        ("STORAGE_HOST_PLUGIN_DIR", "/p"),
        ("STORAGE_HOST_LOG", "error"),
        ("STORAGE_HOST_PROBE_TIMEOUT", "1s"),
        ("STORAGE_HOST_CONFIGURE_TIMEOUT", "2s"),
        ("STORAGE_HOST_CALL_TIMEOUT", "3s"),
        ("STORAGE_HOST_CONFIG", "other.toml"),
        ("HOME", "/root"),
    ];
    let config = parse_with("[host]\nlog = \"debug\"\n", &variables).unwrap();
    let expected = HostSection {
        listen: "0.0.0.0:1".parse().unwrap(),
        data_dir: PathBuf::from("/d"),
        plugin_dir: PathBuf::from("/p"),
        log: Level::Error,
        probe_timeout: Duration::from_secs(1),
        configure_timeout: Duration::from_secs(2),
        call_timeout: Duration::from_secs(3),
    };
    assert_eq!(config.host, expected);
}

#[test]
fn every_key_of_storage_has_a_twin_in_the_environment() {
    let variables = [
        ("STORAGE_HOST_USED_THRESHOLD", "0.9"),
        ("STORAGE_HOST_PROMISED_THRESHOLD", "0.8"),
        ("STORAGE_HOST_OVERPROVISION_FACTOR", "1"),
        ("STORAGE_HOST_IMAGE_STORE_THRESHOLD", "0.7"),
        ("STORAGE_HOST_IMAGE_CACHE_HIGH_WATERMARK", "0.6"),
        ("STORAGE_HOST_IMAGE_CACHE_LOW_WATERMARK", "0.5"),
        ("STORAGE_HOST_IMAGE_CACHE_MAX_AGE", "3h"),
        ("STORAGE_HOST_EXPUNGE_DELAY", "1h"),
        ("STORAGE_HOST_EXPUNGE_INTERVAL", "2h"),
        ("STORAGE_HOST_DEFAULT_PRIMARY_PROVIDER", "S"),
        ("STORAGE_HOST_DOWNLOAD_ALLOW", "10.0.0.1, mirror"),
        ("STORAGE_HOST_DOWNLOAD_DIRECTORIES", "/a,/b"),
        ("STORAGE_HOST_DOWNLOAD_PROXY", "http://p:1"),
        ("STORAGE_HOST_MAX_IMAGE_BYTES", "5"),
        ("STORAGE_HOST_MAX_VIRTUAL_BYTES", "6_000"),
    ];
    let config = parse_with("[storage]\nused_threshold = 0.1\n", &variables).unwrap();
    let expected = StorageSection {
        used_threshold: 0.9,
        promised_threshold: 0.8,
        image_store_threshold: 0.7,
        image_cache_high_watermark: 0.6,
        image_cache_low_watermark: 0.5,
        image_cache_max_age: Duration::from_hours(3),
        overprovision_factor: 1.0,
        expunge_delay: Duration::from_secs(3600),
        expunge_interval: Duration::from_secs(7200),
        default_primary_provider: "S".to_owned(),
        download_allow: vec!["10.0.0.1".to_owned(), "mirror".to_owned()],
        download_directories: vec!["/a".to_owned(), "/b".to_owned()],
        download_proxy: "http://p:1".to_owned(),
        max_image_bytes: 5,
        max_virtual_bytes: 6_000,
    };
    assert_eq!(config.storage, expected);
}

#[test]
fn flags_win_over_the_environment_and_the_file() {
    let overrides = Overrides {
        listen: Some("127.0.0.1:3".parse().unwrap()),
        data_dir: Some(PathBuf::from("flag")),
    };
    let env = environment(&[
        ("STORAGE_HOST_LISTEN", "127.0.0.1:2"),
        ("STORAGE_HOST_DATA_DIR", "env"),
        ("STORAGE_HOST_PLUGIN_DIR", "env"),
    ]);
    let text = "[host]\nlisten = \"127.0.0.1:1\"\ndata_dir = \"file\"\nplugin_dir = \"file\"\n";
    let host = HostConfig::parse(text, Path::new("/etc/p.toml"), &env, &overrides).unwrap().host;
    assert_eq!(host.listen.port(), 3);
    assert_eq!(host.data_dir, Path::new("flag"));
    assert_eq!(host.plugin_dir, Path::new("/etc/env"));
}

#[test]
fn bad_variables_are_named() {
    let variables = [
        ("STORAGE_HOST_LISTEN", ""),
        ("STORAGE_HOST_LOG", "loud"),
        ("STORAGE_HOST_LSITEN", "secret"),
        ("STORAGE_HOST_WHATEVER_IT_IS", "secret"),
        ("STORAGE_HOST_PLUGIN_SAMPEL_KEY", "secret"),
        ("STORAGE_HOST_PLUGIN_SAMPLE", "secret"),
        ("STORAGE_HOST_PLUGIN_SAMPLE_", "secret"),
        ("STORAGE_HOST_PLUGIN_DIRS", "secret"),
    ];
    check(
        ROW,
        &variables,
        expect![[r#"
            STORAGE_HOST_LISTEN: [host] listen: "" is not an IP address with a port; write for example "127.0.0.1:8250"
            STORAGE_HOST_LOG: [host] log: "loud" is not known; write "error", "warn", "info", "debug" or "trace"
            STORAGE_HOST_LSITEN: unknown variable; did you mean STORAGE_HOST_LISTEN?
            STORAGE_HOST_PLUGIN_DIRS: unknown variable; did you mean STORAGE_HOST_PLUGIN_DIR?
            STORAGE_HOST_PLUGIN_SAMPEL_KEY: no setting of a plugin in the file; write STORAGE_HOST_PLUGIN_SAMPLE_<KEY>
            STORAGE_HOST_PLUGIN_SAMPLE: no setting of a plugin in the file; write STORAGE_HOST_PLUGIN_SAMPLE_<KEY>
            STORAGE_HOST_PLUGIN_SAMPLE_: no setting of a plugin in the file; write STORAGE_HOST_PLUGIN_SAMPLE_<KEY>
            STORAGE_HOST_WHATEVER_IT_IS: unknown variable; unset it, known are STORAGE_HOST_LISTEN, STORAGE_HOST_DATA_DIR, STORAGE_HOST_PLUGIN_DIR, STORAGE_HOST_LOG, STORAGE_HOST_PROBE_TIMEOUT, STORAGE_HOST_CONFIGURE_TIMEOUT, STORAGE_HOST_CALL_TIMEOUT, STORAGE_HOST_USED_THRESHOLD, STORAGE_HOST_PROMISED_THRESHOLD, STORAGE_HOST_IMAGE_STORE_THRESHOLD, STORAGE_HOST_IMAGE_CACHE_HIGH_WATERMARK, STORAGE_HOST_IMAGE_CACHE_LOW_WATERMARK, STORAGE_HOST_IMAGE_CACHE_MAX_AGE, STORAGE_HOST_OVERPROVISION_FACTOR, STORAGE_HOST_EXPUNGE_DELAY, STORAGE_HOST_EXPUNGE_INTERVAL, STORAGE_HOST_DEFAULT_PRIMARY_PROVIDER, STORAGE_HOST_DOWNLOAD_ALLOW, STORAGE_HOST_DOWNLOAD_DIRECTORIES, STORAGE_HOST_DOWNLOAD_PROXY, STORAGE_HOST_MAX_IMAGE_BYTES, STORAGE_HOST_MAX_VIRTUAL_BYTES, STORAGE_HOST_CONFIG, STORAGE_HOST_PLUGIN_…
        "#]],
    );
    check(
        "",
        &[("STORAGE_HOST_PLUGIN_A_B", "secret")],
        expect![[r#"
            STORAGE_HOST_PLUGIN_A_B: the file has no plugin; unset it or add a [[plugin]] row
        "#]],
    );
}

#[test]
fn variable_for_a_plugin_is_not_blamed_when_rows_are_unread() {
    let variables = [("STORAGE_HOST_PLUGIN_A_KEY", "x")];
    check(
        "[[plugin]]\nname = \"A\"\nkind = \"image\"\n",
        &variables,
        expect![[r#"
            plugins.toml:2:8: plugin "A": name: "A" is not a plugin name; write 1 to 63 lower-case letters, digits and hyphens, a letter or digit at either end, for example "sample"
        "#]],
    );
    check(
        "[[plugin]]\nname = a\nkind = \"image\"\n",
        &variables,
        expect![[r#"
            plugins.toml:2:8: this value cannot be read; a string is written in quotes: key = "value"
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn variable_that_is_not_utf8_is_named() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![b'a', 0xff]);
    let env: Environment = [("STORAGE_HOST_DATA_DIR", value)].into_iter().collect();
    let error = HostConfig::parse("", Path::new("p"), &env, &Overrides::default());
    expect!["STORAGE_HOST_DATA_DIR: the value is not UTF-8; set it to text"]
        .assert_eq(&error.unwrap_err().to_string());
}

#[test]
fn variables_set_and_replace_settings_of_their_plugin() {
    let text = "[[plugin]]\nname = \"a\"\nkind = \"image\"\n\
                settings = { region = 3, \"access-Key\" = \"x\", stays = true }\n\
                [[plugin]]\nname = \"a-b\"\nkind = \"image\"\n";
    let variables = [
        ("STORAGE_HOST_PLUGIN_A_REGION", "eu"),
        ("STORAGE_HOST_PLUGIN_A_ACCESS_KEY", "y"),
        ("STORAGE_HOST_PLUGIN_A_NEW_KEY", ""),
        ("STORAGE_HOST_PLUGIN_A_B_KEY", "longer name wins"),
    ];
    let config = parse_with(text, &variables).unwrap();
    let settings: Vec<_> = config.plugins.into_iter().map(|p| p.settings.into_map()).collect();
    let expected = json!([
        { "region": "eu", "access-Key": "y", "new_key": "", "stays": true },
        { "key": "longer name wins" },
    ]);
    assert_eq!(json!(settings), expected);
}
