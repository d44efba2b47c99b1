//! The `STORAGE_HOST_…` twins of the options: they take effect, and flags go over them.

use tests::{Installation, Row};

#[test]
fn options_have_twins_in_the_environment() {
    let place = Installation::with_null().row(Row::fault("fault").set("count_starts", true));
    let elsewhere = place.file("elsewhere");
    std::fs::rename(place.file("plugins"), &elsewhere).unwrap();
    let place = place
        .without_host_key("listen")
        .variable("STORAGE_HOST_LISTEN", "127.0.0.1:0")
        .variable("STORAGE_HOST_PLUGIN_DIR", elsewhere.display().to_string())
        .variable("STORAGE_HOST_LOG", "debug")
        .variable("STORAGE_HOST_PROBE_TIMEOUT", "20s")
        .variable("STORAGE_HOST_PLUGIN_FAULT_SECRET", "hush");
    let host = place.start();
    host.plugin("null").is_ready();
    // Kept beside the count: the setting came from the environment.
    host.wait_for_line("details=2 kept=true");
    let port = host.api("listCapabilities", &[]);
    assert!(port.is_object(), "{port}");

    let config = place.run(&["config", "check", "--output", "json"]).with_code(0).json();
    assert_eq!(config["host"]["log"], "debug", "{config:#}");
    assert_eq!(config["host"]["probe_timeout"], "20s", "{config:#}");
    assert_eq!(config["plugin"][1]["settings"]["secret"], "(set)", "{config:#}");
}

#[test]
fn the_data_directory_and_the_file_itself_can_be_named_in_the_environment() {
    let place = Installation::with_null();
    let place = place.variable("STORAGE_HOST_DATA_DIR", "over-there");
    let config = place.run(&["config", "check", "--output", "json"]).with_code(0).json();
    let data_dir = config["host"]["data_dir"].as_str().unwrap();
    assert!(data_dir.ends_with("over-there"), "{config:#}");
    // Flags go over the environment.
    let arguments = ["config", "check", "--output", "json", "--data-dir", "flagged"];
    let config = place.run(&arguments).with_code(0).json();
    assert_eq!(config["host"]["data_dir"], "flagged", "{config:#}");

    let mut command = std::process::Command::new(tests::artifacts::host_binary());
    command.args(["config", "check", "--output", "json"]).current_dir(place.path());
    command.env("STORAGE_HOST_CONFIG", place.file("plugins.toml"));
    let config = tests::Ended::of(&mut command).with_code(0).json();
    assert_eq!(config["plugin"][0]["name"], "null", "{config:#}");
}

#[test]
fn a_variable_that_nothing_reads_is_a_problem_and_its_value_is_not_shown() {
    for (name, word) in [
        ("STORAGE_HOST_LISTN", "did you mean STORAGE_HOST_LISTEN?"),
        ("STORAGE_HOST_PLUGIN_NUL_KEY", "STORAGE_HOST_PLUGIN_NULL_<KEY>"),
    ] {
        let place = Installation::with_null().variable(name, "hush-4711");
        let ended = place.run(&["config", "check"]).with_code(1);
        assert!(ended.err.contains(name) && ended.err.contains(word), "{ended:?}");
        assert!(!ended.err.contains("hush"), "{ended:?}");
        assert_eq!(place.start_and_fail().code, Some(1));
    }
}
