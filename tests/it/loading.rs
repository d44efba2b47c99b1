//! Plugins that are as they should be, and what an operator sees of them.

use storage_host::loader::RefusalCode;
use storage_host::loader::digest::Digest;
use tests::{Installation, Row, process_is_there};

#[test]
fn plugins_serve_in_both_skins_and_the_listing_says_all_about_them() {
    let place = Installation::with_null().row(Row::of("sample", "sample").isolated());
    let host = place.start();

    let (null, sample) = (host.plugin("null"), host.plugin("sample"));
    null.is_ready();
    sample.is_ready();
    assert_eq!(null.text("provider"), "Null");
    assert_eq!(null.text("isolation"), "in-process");
    assert_eq!(sample.text("provider"), "Sample");
    assert_eq!(sample.text("isolation"), "process");
    assert_eq!(sample.text("types"), "PRIMARY");
    let digest = Digest::of(&place.library("sample")).unwrap().to_string();
    assert_eq!(sample.text("digest"), digest);
    let pid = sample.0["pid"].as_u64().unwrap();
    assert!(process_is_there(pid as u32), "{sample:?}");
    assert!(null.0.get("pid").is_none_or(serde_json::Value::is_null), "{null:?}");

    let providers = host.api("listStorageProviders", &[("type", "primary")]).to_string();
    assert!(providers.contains("Null") && providers.contains("Sample"), "{providers}");
}

#[test]
fn a_disabled_plugin_is_listed_and_none_of_its_code_runs() {
    let disabled = Row::fault("fault").key("enabled", false).set("configure", "abort");
    let host = Installation::with_null().row(disabled).start();
    assert_eq!(host.plugin("fault").text("state"), "Disabled");
    assert_eq!(host.plugin("fault").text("provider"), "");
    host.plugin("null").is_ready();
}

#[test]
fn a_library_of_the_pinned_digest_is_loaded() {
    let place = Installation::with_null();
    let digest = Digest::of(&place.library("null")).unwrap().to_string();
    let host = place.row(Row::of("sample", "sample")).row({
        let fault = tests::artifacts::library("storage-volume-fault");
        Row::fault("pinned").key("sha256", Digest::of(&fault).unwrap().to_string())
    });
    let host = host.start();
    host.plugin("pinned").is_ready();
    assert_eq!(host.plugin("null").text("digest"), digest);
}

#[test]
fn the_host_does_not_start_without_a_required_plugin_and_says_the_same_words() {
    let row = || Row::fault("fault").set("configure", "segfault");
    let reason = {
        let host = Installation::with_null().row(row()).start();
        let plugin = host.plugin("fault");
        plugin.is_refused(RefusalCode::CrashedWhileConfiguring, &["SIGSEGV"]);
        (plugin.text("wayout").to_owned(), plugin.text("code").to_owned())
    };

    let place = Installation::with_null().row(row().key("required", true));
    let ended = place.start_and_fail().with_code(3);
    assert!(ended.err.contains("plugin \"fault\" is required and was refused"), "{ended:#?}");
    assert!(ended.err.contains("why: the process that tried it killed by signal 11"), "{ended:#?}");
    assert!(ended.err.contains(&reason.0) && ended.err.contains(&reason.1), "{ended:#?}");
    assert!(!place.file("data/endpoint.json").exists());
}

#[test]
fn one_plugin_cannot_take_the_name_or_the_file_of_another() {
    let place = Installation::with_null().rows([
        Row::of("copy", "null"),
        Row::new("hard-link"),
        Row::new("symbolic-link"),
    ]);
    std::fs::hard_link(place.library("null"), place.library("hard-link")).unwrap();
    std::os::unix::fs::symlink(place.library("null"), place.library("symbolic-link")).unwrap();
    let host = place.start();

    let words = ["its provider is called \"Null\"", "row \"null\"", "storage_volume_null"];
    host.refuses("copy", RefusalCode::DuplicateName, &words);
    for name in ["hard-link", "symbolic-link"] {
        let words = ["row \"null\" loads the very same file"];
        host.refuses(name, RefusalCode::DuplicateFile, &words);
    }
}
