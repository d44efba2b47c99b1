//! The command line: exit codes, JSON, and what does not run any code.

use rustix::process::geteuid;
use tests::c_library::CLibraries;
use tests::{Installation, Row, artifacts};

#[test]
fn the_verbs_end_with_the_codes_that_the_help_tells() {
    let place = Installation::with_null().row(Row::fault("fault").set("configure", "panic"));
    let help = place.run(&["--help"]).with_code(0);
    assert!(help.out.contains("Exit codes: 0 done; 1 done, and the answer is no"), "{help:?}");

    place.run(&["config", "check"]).with_code(0);
    place.run(&["plugins", "inspect", "null"]).with_code(0);
    place.run(&["plugins", "probe", "null"]).with_code(0);
    place.run(&["plugins", "list"]).with_code(0);

    let refused = place.run(&["plugins", "probe", "fault"]).with_code(1);
    assert!(refused.out.contains("configure-panicked"), "{refused:?}");
    assert!(refused.out.contains("told to panic"), "{refused:?}");
    let nobody = place.run(&["api", "listStorageProviders"]).with_code(1);
    assert!(nobody.err.contains("no host is running"), "{nobody:?}");

    place.run(&["plugins", "probe"]).with_code(2);
    place.run(&["no-such-verb"]).with_code(2);
    let unknown = place.run(&["plugins", "inspect", "nobody"]).with_code(3);
    assert!(unknown.err.contains("it has null, fault"), "{unknown:?}");
}

#[test]
fn a_host_that_cannot_listen_or_keep_its_data_says_so_and_ends_with_three() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Installation::with_null().host_key("listen", address.as_str()).start_and_fail();
    let ended = ended.with_code(3);
    assert!(ended.err.contains(&format!("cannot listen on {address}")), "{ended:?}");
    assert!(ended.err.contains("--listen"), "{ended:?}");

    let place = Installation::with_null().host_key("data_dir", "plugins.toml");
    let ended = place.start_and_fail().with_code(3);
    assert!(ended.err.contains("plugins.toml"), "{ended:?}");
}

#[test]
fn config_check_reports_every_problem_with_its_line() {
    let place = Installation::new();
    let config = place.file("wrong.toml");
    let text = "[host]\nlisten = \"here\"\nprob_timeout = \"5s\"\n\n[[plugin]]\nname = \"Big\"\n\
                kind = \"tape\"\n\n[[plugin]]\nname = \"a\"\nkind = \"volume\"\nsha256 = \"12\"\n";
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let check = |output: &str| {
        let mut command = std::process::Command::new(artifacts::host_binary());
        command.args(["--config", &config, "config", "check", "--output", output]);
        tests::Ended::of(&mut command).with_code(1)
    };
    let problems = check("json").json()["problems"].as_array().unwrap().clone();
    let problems: Vec<&str> = problems.iter().map(|problem| problem.as_str().unwrap()).collect();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    for (line, word) in [(2, "here"), (3, "probe_timeout"), (6, "Big"), (7, "tape"), (12, "sha256")]
    {
        let found = problems
            .iter()
            .any(|problem| problem.contains(&format!(":{line}")) && problem.contains(word));
        assert!(found, "line {line}, {word}: {problems:#?}");
    }
    let people = check("table");
    assert!(problems.iter().all(|problem| people.err.contains(problem)), "{people:?}");

    // Nor does a host start with it.
    let mut command = std::process::Command::new(artifacts::host_binary());
    let ended =
        tests::Ended::of(command.args(["--config", &config, "run"]).current_dir(place.path()));
    assert!(ended.with_code(1).err.contains("tape"));
}

#[test]
fn inspecting_runs_none_of_the_code() {
    let c = CLibraries::new();
    let library = c.constructor("bomb", "*(volatile int *)8 = 1;");
    let place = Installation::new().row(Row::with("bomb", &library));
    let path = place.library("bomb").display().to_string();
    for plugin in ["bomb", &path] {
        let inspected = place.run(&["plugins", "inspect", plugin, "--output", "json"]);
        let report = inspected.with_code(0).json();
        assert_eq!(report["metadata"]["crate"], "made-in-c", "{report:#}");
        assert!(report["refusal"].is_null(), "{report:#}");
        let probed = place.run(&["plugins", "probe", plugin, "--output", "json"]);
        let report = probed.with_code(1).json();
        assert_eq!(report["refusal"]["code"], "crashed-while-loading", "{report:#}");
    }
}

#[test]
fn whatever_answers_as_json_can_be_parsed() {
    let place = Installation::with_null()
        .row(Row::of("sample", "sample").isolated())
        .row(Row::fault("fault").set("configure", "abort"));
    let json = ["--output", "json"];
    let run = |verb: &[&str], code| place.run(&[verb, &json[..]].concat()).with_code(code).json();

    let config = run(&["config", "check"], 0);
    assert_eq!(config["plugin"][2]["settings"]["configure"], "(set)", "{config:#}");
    let inspected = run(&["plugins", "inspect", "sample"], 0);
    assert_eq!(inspected["metadata"]["crate"], "storage-volume-sample");
    let probed = run(&["plugins", "probe", "sample"], 0);
    assert_eq!(probed["provider"]["name"], "Sample");

    // Without a host the plugins are probed on the spot; with one it is asked.
    let alone = run(&["plugins", "list"], 0);
    assert_eq!(alone[0]["provider"]["name"], "Null", "{alone:#}");
    assert_eq!(alone[2]["refusal"]["code"], "crashed-while-configuring", "{alone:#}");
    assert!(!place.data_dir().exists(), "nothing is left of looking");
    let host = place.start();
    let answer = run(&["plugins", "list"], 0);
    let listed = &answer["liststoragepluginsresponse"]["storageplugin"];
    assert_eq!(listed.as_array().map(Vec::len), Some(3), "{answer:#}");
    assert_eq!(listed[0]["state"], "Ready", "{answer:#}");
    let answer = run(&["api", "listStorageProviders", "type=primary"], 0);
    assert!(answer.to_string().contains("Sample"), "{answer:#}");
    host.plugin("null").is_ready();

    let table = place.run(&["plugins", "list"]).with_code(0);
    assert!(table.out.contains("fault was refused: crashed-while-configuring"), "{table:?}");
}

#[test]
fn the_credentials_and_the_key_are_for_the_hosts_own_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let place = Installation::with_null();
    let host = place.start();
    host.plugin("null").is_ready();
    for name in ["data/credentials.json", "data/secret.key"] {
        let metadata = std::fs::metadata(place.file(name)).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o600, "{name}");
        assert_eq!(metadata.uid(), geteuid().as_raw(), "{name}");
    }
}
