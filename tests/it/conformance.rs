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

/// Runs the whole kit over a plugin of the workspace, in both skins.
fn passes_every_case(package: &str) {
    let place = Installation::with_null();
    let settings = settings_in(&place);
    let library = artifacts::library(package).display().to_string();
    let arguments = ["conformance", &library, "--settings", &settings, "--level", "4"];
    let ended = place.run(&[&arguments[..], &["--output", "json"]].concat()).with_code(0);
    let outcomes = ended.json();
    let outcomes = outcomes.as_array().unwrap();
    let skins: Vec<_> = outcomes.iter().map(|outcome| &outcome["isolation"]).collect();
    assert_eq!(skins, ["in-process", "process"]);
    for outcome in outcomes {
        assert_eq!(outcome["failed"], 0, "{outcome:#}");
        assert!(outcome["passed"].as_u64().unwrap() > 40, "{outcome:#}");
    }
    let left: Vec<_> = std::fs::read_dir(place.file("pool")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
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
