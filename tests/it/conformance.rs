//! The whole conformance kit, through the command line, in both skins.

use tests::{Installation, artifacts};

/// A settings file whose pool is an empty directory.
pub(crate) fn settings_in(place: &Installation) -> String {
    let pool = place.file("pool");
    std::fs::create_dir_all(&pool).unwrap();
    let settings = place.file("settings.toml");
    std::fs::write(&settings, format!("[primary.details]\npath = {pool:?}\n")).unwrap();
    settings.display().to_string()
}

/// Runs the whole kit over a plugin of the workspace, in both skins, on a pool in a directory.
fn passes_every_case(package: &str) {
    let place = Installation::with_null();
    let settings = settings_in(&place);
    passes_with(&place, package, &settings, 40);
    let left: Vec<_> = std::fs::read_dir(place.file("pool")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn passes_with(place: &Installation, package: &str, settings: &str, at_least: u64) {
    let library = artifacts::library(package).display().to_string();
    let arguments = ["conformance", &library, "--settings", settings, "--level", "4"];
    let ended = place.run(&[&arguments[..], &["--output", "json"]].concat()).with_code(0);
    let outcomes = ended.json();
    let outcomes = outcomes.as_array().unwrap();
    let skins: Vec<_> = outcomes.iter().map(|outcome| &outcome["isolation"]).collect();
    assert_eq!(skins, ["in-process", "process"]);
    for outcome in outcomes {
        assert_eq!(outcome["failed"], 0, "{outcome:#}");
        assert!(outcome["passed"].as_u64().unwrap() > at_least, "{outcome:#}");
    }
}

#[test]
fn the_sample_passes_every_case_in_both_skins_and_leaves_nothing() {
    passes_every_case("storage-volume-sample");
}

#[test]
fn the_filesystem_passes_every_case_in_both_skins_and_leaves_nothing() {
    passes_every_case("storage-volume-filesystem");
}

#[test]
fn the_filesystem_passes_every_case_with_qcow2_volumes_as_well() {
    let place = Installation::with_null();
    let settings = settings_in(&place);
    let mut text = std::fs::read_to_string(&settings).unwrap();
    text.push_str("volume_format = \"qcow2\"\n");
    std::fs::write(&settings, text).unwrap();
    passes_with(&place, "storage-volume-filesystem", &settings, 40);
    let left: Vec<_> = std::fs::read_dir(place.file("pool")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn nfs_passes_every_case_as_store_and_as_cache_in_both_skins_and_leaves_nothing() {
    let place = Installation::with_null();
    // The cache by an export that the settings say is mounted, the store by its directory.
    let mounted = place.path().canonicalize().unwrap().join("mounted");
    std::fs::create_dir_all(mounted.join("cache")).unwrap();
    std::fs::create_dir(place.file("store")).unwrap();
    let settings = place.file("settings.toml");
    let text = format!(
        "[settings.mounts]\n\"nfs://nas.example/export\" = {mounted:?}\n\
         [image]\nurl = \"file://{}\"\n\
         [image_cache]\nurl = \"nfs://nas.example/export/cache\"\n\
         details = {{ nfsversion = \"4.2\", capacity_bytes = 1073741824 }}\n",
        place.file("store").display()
    );
    std::fs::write(&settings, text).unwrap();
    passes_with(&place, "storage-image-nfs", &settings.display().to_string(), 60);
    for folder in [place.file("store"), mounted.join("cache")] {
        let left: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_plugin_that_breaks_the_contract_fails_with_the_cases_it_broke() {
    let place = Installation::with_null();
    let settings = settings_in(&place);
    std::fs::write(&settings, "[primary]\n").unwrap();
    let library = artifacts::library("storage-volume-null").display().to_string();
    let arguments = ["conformance", &library, "--settings", &settings, "--output", "json"];
    let outcomes = place.run(&arguments).with_code(1).json();
    for outcome in outcomes.as_array().unwrap() {
        assert_ne!(outcome["failed"], 0, "{outcome:#}");
        // The null plugin forgets what it is given.
        let text = outcome.to_string();
        assert!(text.contains("happy::create_describe_delete"), "{outcome:#}");
    }
}

#[test]
fn a_plugin_that_cannot_be_loaded_is_refused_before_any_case() {
    let place = Installation::with_null();
    let settings = place.file("settings.toml");
    std::fs::write(&settings, "[settings]\nconfigure = \"segfault\"\n[primary]\n").unwrap();
    let library = artifacts::library("storage-volume-fault").display().to_string();
    let settings = settings.display().to_string();
    let ended = place.run(&["conformance", &library, "--settings", &settings]).with_code(1);
    assert!(ended.err.contains("crashed-while-configuring"), "{ended:?}");
    assert!(ended.err.contains("way out:"), "{ended:?}");
}
