//! What a file means that says little, and one that says everything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use log::Level;
use serde_json::json;

use super::{ROW, parse};
use crate::config::{
    Environment, HostConfig, HostSection, Isolation, Overrides, PluginKind, PluginRow, Settings,
    StorageSection,
};

#[test]
fn empty_file_equals_the_defaults() {
    let expected = HostConfig {
        origin: PathBuf::from("plugins.toml"),
        host: HostSection::default(),
        storage: StorageSection::default(),
        plugins: Vec::new(),
    };
    for text in ["", "\n", "\u{feff}# only prose\r\n", "[host]\n", "plugin = []"] {
        assert_eq!(parse(text), expected, "{text:?}");
    }
}

#[test]
fn row_of_name_and_kind_has_the_documented_defaults() {
    let config = parse(ROW);
    let [row] = config.plugins.as_slice() else { panic!("one row: {config:?}") };
    assert_eq!(row.library, "storage_volume_sample");
    assert_eq!(row.isolation, Isolation::InProcess);
    assert_eq!((row.enabled, row.required, row.line), (true, false, 1));
    assert_eq!((row.sha256, row.call_timeout), (None, None));
    assert!(row.settings.is_empty());
}

#[test]
fn hyphens_of_the_name_become_underscores_of_the_library() {
    let config = parse("[[plugin]]\nname = \"fast-nfs-4\"\nkind = \"image\"\n");
    assert_eq!(config.plugins[0].library, "storage_image_fast_nfs_4");
    let suffix = std::env::consts::DLL_SUFFIX;
    assert_eq!(config.plugins[0].file_name(), format!("libstorage_image_fast_nfs_4{suffix}"));
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let text = "[host]\ndata_dir = \"/var/lib/host\"\n";
    let origin = Path::new("/etc/storage-host/plugins.toml");
    let config = HostConfig::parse(text, origin, &Environment::default(), &Overrides::default());
    let host = config.unwrap().host;
    assert_eq!(host.data_dir, Path::new("/var/lib/host"));
    assert_eq!(host.plugin_dir, Path::new("/etc/storage-host/plugins/storage"));
}

#[test]
fn every_value_can_be_set() {
    let digest = "0123456789abcdefABCDEF00".to_owned() + &"00".repeat(20);
    let config = parse(&format!(
        "[host]\nlisten = \"[::1]:0\"\ndata_dir = \"d\"\nplugin_dir = \"p\"\nlog = \"trace\"\n\
         probe_timeout = \"500ms\"\nconfigure_timeout = \"1m 30s\"\ncall_timeout = \"24h\"\n\
         {ROW}library = \"own-Name_1\"\nenabled = false\nrequired = true\n\
         isolation = \"process\"\nsha256 = \"{digest}\"\ncall_timeout = \"5m\"\n\
         settings = {{ a = 1 }}\n"
    ));
    let host = HostSection {
        listen: "[::1]:0".parse().unwrap(),
        data_dir: PathBuf::from("d"),
        plugin_dir: PathBuf::from("p"),
        log: Level::Trace,
        probe_timeout: Duration::from_millis(500),
        configure_timeout: Duration::from_secs(90),
        call_timeout: Duration::from_secs(24 * 60 * 60),
    };
    let mut sha256 = [0; 32];
    sha256[..11].copy_from_slice(b"\x01\x23\x45\x67\x89\xab\xcd\xef\xab\xcd\xef");
    let row = PluginRow {
        name: "sample".to_owned(),
        kind: PluginKind::Volume,
        library: "own-Name_1".to_owned(),
        enabled: false,
        required: true,
        isolation: Isolation::Process,
        sha256: Some(sha256),
        call_timeout: Some(Duration::from_secs(300)),
        settings: Settings::from_iter([("a".to_owned(), json!(1))]),
        line: 9,
    };
    assert_eq!((config.host, config.plugins), (host, vec![row]));
}

#[test]
fn every_value_of_storage_can_be_set() {
    let config = parse(
        "[storage]\nused_threshold = 0.5\npromised_threshold = 1\noverprovision_factor = 3\n\
         image_store_threshold = 0.8\nimage_cache_high_watermark = 0.6\n\
         image_cache_low_watermark = 0.4\nimage_cache_max_age = \"2h\"\n\
         expunge_delay = \"0s\"\nexpunge_interval = \"1m\"\n\
         default_primary_provider = \"In Memory\"\n\
         download_allow = [\"10.1.0.0/16\", \"mirror\"]\ndownload_directories = [\"/srv/a\"]\n\
         download_proxy = \"http://p:3128\"\nmax_image_bytes = 1_000\n\
         max_virtual_bytes = 2000\n",
    );
    let storage = StorageSection {
        used_threshold: 0.5,
        promised_threshold: 1.0,
        image_store_threshold: 0.8,
        image_cache_high_watermark: 0.6,
        image_cache_low_watermark: 0.4,
        image_cache_max_age: Duration::from_hours(2),
        overprovision_factor: 3.0,
        expunge_delay: Duration::ZERO,
        expunge_interval: Duration::from_secs(60),
        default_primary_provider: "In Memory".to_owned(),
        download_allow: vec!["10.1.0.0/16".to_owned(), "mirror".to_owned()],
        download_directories: vec!["/srv/a".to_owned()],
        download_proxy: "http://p:3128".to_owned(),
        max_image_bytes: 1_000,
        max_virtual_bytes: 2_000,
    };
    assert_eq!(config.storage, storage);
}
