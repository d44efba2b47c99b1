//! Verbs against a host that is only a list of answers.

use super::options::{self, added_to};
use super::table::{GROUPS, VERBS, Verb};
use super::wait::Watch;
use super::{Ask, VerbError, find, run_with};
use crate::api::command_table;
use crate::cli::args::Arguments;
use crate::cli::client::ClientError;
use clap::CommandFactory;
use expect_test::expect;
use serde_json::Value;
use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

/// A host that answers what it was told to, in order, and notes what it was asked.
#[derive(Default)]
struct Fake {
    answers: RefCell<Vec<(&'static str, String)>>,
    asked: RefCell<Vec<String>>,
}

impl Fake {
    fn new(answers: &[(&'static str, &str)]) -> Self {
        let answers = answers.iter().map(|(name, body)| (*name, format!("{{\"x\":{body}}}")));
        Self { answers: RefCell::new(answers.collect()), asked: RefCell::default() }
    }
}

impl Ask for Fake {
    fn ask(&self, command: &str, params: &[(&str, &str)]) -> Result<String, ClientError> {
        let params: Vec<_> =
            params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        self.asked.borrow_mut().push(format!("{command}{}", params.concat()));
        let mut answers = self.answers.borrow_mut();
        let at = answers.iter().position(|(name, _)| *name == command);
        let at = at.unwrap_or_else(|| panic!("{command} was not expected"));
        Ok(answers.remove(at).1)
    }
}

/// Somebody who waits `patience` times and then no more.
struct Watcher {
    patience: usize,
    seen: Vec<String>,
}

impl Watch for Watcher {
    fn progress(&mut self, job: &Value) {
        self.seen.push(job["phase"].to_string());
    }

    fn pause(&mut self, _: Duration) -> bool {
        let waits = self.patience > 0;
        self.patience = self.patience.saturating_sub(1);
        waits
    }

    fn end(&mut self) {}
}

/// What came of a command line: what was asked, what was written, how it ended.
struct Outcome {
    asked: String,
    out: String,
    end: Result<ExitCode, VerbError>,
}

fn run(line: &str, host: &Fake, patience: usize) -> Outcome {
    let cli = added_to(Arguments::command(), &command_table());
    let words = std::iter::once("storage-host").chain(line.split(' '));
    let matches = cli.try_get_matches_from(words).unwrap_or_else(|error| panic!("{error}"));
    let (verb, matches) = find(&matches).unwrap();
    let mut out = Vec::new();
    let mut watcher = Watcher { patience, seen: Vec::new() };
    let end = run_with(host, verb, matches, &mut out, &mut watcher);
    let asked = host.asked.borrow().join("\n");
    Outcome { asked, out: String::from_utf8(out).unwrap(), end }
}

fn usage_error(line: &str) -> String {
    let cli = added_to(Arguments::command(), &command_table());
    let words = std::iter::once("storage-host").chain(line.split(' '));
    let error = cli.try_get_matches_from(words).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

const POOL: &str = "0f000000-0000-4000-8000-000000000001";
const ZONE: &str = r#"{"count":1,"zone":[{"id":"zone-id","name":"zone1"}]}"#;

#[test]
fn every_verb_fits_its_command() {
    let commands = command_table();
    added_to(Arguments::command(), &commands).debug_assert();
    for verb in VERBS {
        let what = format!("{} {}", verb.group, verb.word);
        assert!(
            verb.word.is_empty() || GROUPS.iter().any(|group| group.word == verb.group),
            "{what} has no group"
        );
        let Some(command) = commands.find(verb.command) else {
            panic!("{what}: there is no {}", verb.command);
        };
        let names: Vec<_> = command.params().map(|param| param.name).collect();
        let sent = verb.defaults.iter().chain(verb.fixed).map(|(name, _)| name);
        for name in verb.positional.iter().chain(sent) {
            assert!(names.contains(name), "{what}: {} has no parameter {name}", command.name);
        }
        for column in verb.columns {
            let is_there = command.response.iter().any(|field| field.name == *column);
            assert!(is_there, "{what}: {} answers no {column}", command.name);
        }
        assert!(!names.contains(&options::OUTPUT), "{what}: --output would be two things");
    }
}

#[test]
fn every_option_is_a_parameter_and_every_parameter_an_option() {
    let cli = added_to(Arguments::command(), &command_table());
    let volume = cli.find_subcommand("volume").unwrap();
    let create = volume.find_subcommand("create").unwrap();
    let mut options: Vec<_> = create.get_arguments().map(|arg| arg.get_id().as_str()).collect();
    options.retain(|name| !["output", "no-wait", "help"].contains(name));
    options.sort_unstable();
    let commands = command_table();
    let mut params: Vec<_> =
        commands.find("createVolume").unwrap().params().map(|param| param.name).collect();
    params.sort_unstable();
    assert_eq!(options, params);
}

#[test]
fn names_sizes_details_and_the_only_zone_are_sent_as_the_api_wants_them() {
    let pools = format!(r#"{{"count":1,"storagepool":[{{"id":"{POOL}","name":"fast"}}]}}"#);
    let host = Fake::new(&[
        ("listStoragePools", &pools),
        ("listZones", ZONE),
        ("createVolume", r#"{"id":"v","jobid":"j"}"#),
    ]);
    let done = run("volume create data --size 10G --storage fast --no-wait", &host, 0);
    expect![[r#"
        listStoragePools name=fast listall=true pagesize=-1
        listZones listall=true pagesize=-1
        createVolume name=data sizebytes=10737418240 storageid=0f000000-0000-4000-8000-000000000001 zoneid=zone-id"#]]
    .assert_eq(&done.asked);
    assert_eq!(done.out, "j\n");

    let host = Fake::new(&[("createStoragePool", r#"{"storagepool":{"id":"p","name":"fast"}}"#)]);
    let line = format!(
        "pool add fast file:///srv --zone {POOL} --details a=1 --details b=x=y --capacitybytes 1T"
    );
    let done = run(&line, &host, 0);
    expect![[r#"createStoragePool name=fast url=file:///srv zoneid=0f000000-0000-4000-8000-000000000001 details[0].key=a details[0].value=1 details[1].key=b details[1].value=x=y capacitybytes=1099511627776"#]]
        .assert_eq(&done.asked);
    assert_eq!(done.out, "id    p\nname  fast\n");
}

#[test]
fn bare_size_counts_what_the_api_counts_in() {
    let host = Fake::new(&[("listZones", ZONE), ("createVolume", r#"{"jobid":"j"}"#)]);
    let done = run("volume create data --size 7 --no-wait", &host, 0);
    assert!(done.asked.contains("createVolume name=data size=7 "), "{}", done.asked);
}

#[test]
fn names_of_nothing_and_of_many_list_the_candidates() {
    let host = Fake::new(&[
        ("listVolumes", "{}"),
        (
            "listVolumes",
            r#"{"count":2,"volume":[{"id":"1","name":"one"},{"id":"2","name":"two"}]}"#,
        ),
    ]);
    let error = run("volume delete three", &host, 0).end.unwrap_err();
    assert_eq!(error.to_string(), r#"there is no volume "three"; there is "one", "two""#);

    // A number is a name as any other.
    let host = Fake::new(&[
        ("listVolumes", &format!(r#"{{"count":1,"volume":[{{"id":"{POOL}","name":"3"}}]}}"#)),
        ("deleteVolume", r#"{"success":true}"#),
    ]);
    let done = run("volume delete 3", &host, 0);
    assert!(done.asked.ends_with(&format!("deleteVolume id={POOL}")), "{}", done.asked);
    let host = Fake::new(&[("listVolumes", "{}"), ("listVolumes", "{}")]);
    let bare = POOL.replace('-', "");
    let error = run(&format!("volume delete {bare}"), &host, 0).end.unwrap_err();
    assert!(error.to_string().contains("there is no volume"), "{error}");

    let host = Fake::new(&[("listVolumes", "{}"), ("listVolumes", "{}")]);
    let error = run("volume delete three", &host, 0).end.unwrap_err();
    assert_eq!(error.to_string(), r#"there is no volume "three"; there is no volume at all"#);

    let host = Fake::new(&[(
        "listVolumes",
        r#"{"count":3,"volume":[{"id":"1","name":"x","state":"Ready","storage":"fast"},
            {"id":"2","name":"x","state":"Destroy"},{"id":"3","name":"xx"}]}"#,
    )]);
    let error = run("volume delete x", &host, 0).end.unwrap_err();
    expect![[r#"
        2 volumes are called "x"; give the id of one:
          1  Ready, fast
          2  Destroy"#]]
    .assert_eq(&error.to_string());
}

#[test]
fn zone_is_asked_for_where_there_are_several() {
    let zones = r#"{"count":2,"zone":[{"id":"1","name":"a"},{"id":"2","name":"b"}]}"#;
    let host = Fake::new(&[("listZones", zones), ("listZones", zones)]);
    let error = run("pool add fast file:///srv", &host, 0).end.unwrap_err();
    assert_eq!(error.to_string(), r#"--zone is needed; there is "a", "b""#);
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn job_is_waited_for_and_answers_as_its_command_would() {
    let host = Fake::new(&[
        ("listZones", ZONE),
        ("createVolume", r#"{"id":"v","jobid":"j"}"#),
        ("queryAsyncJobResult", r#"{"jobid":"j","jobstatus":0,"phase":"running"}"#),
        (
            "queryAsyncJobResult",
            r#"{"jobid":"j","jobstatus":1,"jobresult":{"volume":{"id":"v","name":"data"}}}"#,
        ),
    ]);
    let done = run("volume create data --size 1G --output json", &host, 9);
    assert_eq!(done.out, "{\"volume\":{\"id\":\"v\",\"name\":\"data\"}}\n");
    assert_eq!(done.end.unwrap(), ExitCode::SUCCESS);
}

#[test]
fn failed_job_and_one_that_nobody_waits_for_are_told() {
    let started = [
        ("listZones", ZONE),
        ("createVolume", r#"{"jobid":"j"}"#),
        (
            "queryAsyncJobResult",
            r#"{"jobstatus":2,"jobresult":{"errorcode":533,"errortext":"no room"}}"#,
        ),
    ];
    let error = run("volume create data --size 1G", &Fake::new(&started), 9).end.unwrap_err();
    expect!["createVolume: no room (error 533; `storage-host operations show j` has its steps)"]
        .assert_eq(&error.to_string());
    assert_eq!(error.exit_code(), 1);

    let started = [
        ("listZones", ZONE),
        ("createVolume", r#"{"jobid":"j"}"#),
        ("queryAsyncJobResult", r#"{"jobstatus":0}"#),
    ];
    let error = run("volume create data --size 1G", &Fake::new(&started), 0).end.unwrap_err();
    assert!(error.to_string().starts_with("job j goes on: "), "{error}");
}

#[test]
fn lists_show_the_columns_of_their_verb_with_units() {
    let host = Fake::new(&[(
        "listVolumes",
        r#"{"count":1,"volume":[{"id":"1","name":"one","state":"Ready","size":10737418240,
            "created":"2026-11-24T07:30:00+0000","odd":"x"}]}"#,
    )]);
    let done = run("volume list", &host, 0);
    assert_eq!(done.asked, "listVolumes pagesize=-1");
    expect![[r#"
        NAME  ID  STATE  SIZE       STORAGE  VMNAME  CREATED
        one   1   Ready  10.00 GiB                   2026-11-24T07:30:00
    "#]]
    .assert_eq(&done.out);
    let host = Fake::new(&[("listEvents", "{}")]);
    let done = run("events --page 3 --pagesize 10", &host, 0);
    assert_eq!(done.asked, "listEvents page=3 pagesize=10");
}

#[test]
fn doctor_says_no_when_something_is_wrong() {
    let healthy = r#"{"count":1,"finding":[{"severity":"INFO","thing":"this host","what":"ok"}]}"#;
    let done = run("doctor", &Fake::new(&[("listHealthFindings", healthy)]), 0);
    assert_eq!(done.end.unwrap(), ExitCode::SUCCESS);
    let sick = r#"{"count":1,"finding":[{"severity":"ERROR","thing":"storage pool \"a\"",
        "what":"it is in quarantine","wayout":"stop the twin","since":"today"}]}"#;
    let done = run("doctor", &Fake::new(&[("listHealthFindings", sick)]), 0);
    expect![[r#"
        ERROR  storage pool "a" (since today): it is in quarantine
               what to do: stop the twin
    "#]]
    .assert_eq(&done.out);
    assert_eq!(done.end.unwrap(), ExitCode::from(1));
}

#[test]
fn operation_is_shown_with_its_steps() {
    let answer = r#"{"count":1,"operation":[{"id":"o","flow":"volume.create","journal":[
        {"step":"make","moment":"waiting","at":"t","tookms":1.5,"attempt":2,"failure":"dead"}]}]}"#;
    let done = run("operations show o", &Fake::new(&[("listOperations", answer)]), 0);
    assert_eq!(done.asked, "listOperations id=o");
    expect![[r#"
        id    o
        flow  volume.create

        STEP  MOMENT   AT  TOOKMS  ATTEMPT  FAILURE
        make  waiting  t   1.5     2        dead
    "#]]
    .assert_eq(&done.out);
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    assert!(usage_error("volume create data --size ten").contains("is no size"));
    assert!(usage_error("volume delete").contains("<volume>"));
    assert!(usage_error("pool add fast url --details secret").contains("key=value"));
    assert!(!usage_error("pool add fast url --zone 1 --capacityiops x").contains("panicked"));
    assert!(usage_error("volume create data --nothing 1").contains("--nothing"));
    assert!(usage_error("orphans purge --dryrun=perhaps").contains("perhaps"));
}

#[test]
fn flags_take_a_value_only_after_a_sign() {
    let host = Fake::new(&[("purgeOrphans", "{}")]);
    assert_eq!(run("orphans purge --dryrun=false", &host, 0).asked, "purgeOrphans dryrun=false");
    let host = Fake::new(&[("purgeOrphans", "{}")]);
    assert_eq!(run("orphans purge --dryrun", &host, 0).asked, "purgeOrphans dryrun=true");
}

#[test]
fn purge_that_left_something_says_no() {
    let answer = r#"{"count":1,"orphan":[{"id":"1","purged":false,"description":"in use"}]}"#;
    let done = run("orphans purge --dryrun=false", &Fake::new(&[("purgeOrphans", answer)]), 0);
    assert_eq!(done.end.unwrap(), ExitCode::from(1));
    let verb: &Verb = VERBS.iter().find(|verb| verb.command == "purgeOrphans").unwrap();
    assert!(!verb.says_no(&serde_json::json!({ "orphan": [{ "id": "1" }] })), "a dry run");
}

/// A host that takes the job and is gone when it is asked about it.
struct GoesAway;

impl Ask for GoesAway {
    fn ask(&self, command: &str, _: &[(&str, &str)]) -> Result<String, ClientError> {
        match command {
            "queryAsyncJobResult" => Err(ClientError::Gone { file: "api.json".into(), pid: 7 }),
            _ => Ok(r#"{"x":{"jobid":"j"}}"#.to_owned()),
        }
    }
}

#[test]
fn who_waits_for_a_host_that_goes_away_is_told_the_job_and_the_way_out() {
    let mut watcher = Watcher { patience: 9, seen: Vec::new() };
    let error = super::wait::until_done(&GoesAway, "resizeVolume", "j", &mut watcher).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("job j goes on when the host runs again"), "{told}");
    assert!(told.contains("`storage-host job j --wait`"), "{told}");
    assert!(told.contains("its process 7 is gone"), "{told}");
}

#[test]
fn explanation_names_the_winner_and_says_no_where_nobody_can() {
    let answer = |wins: &str| {
        format!(
            r#"{{"count":1,"vmsnapshotstrategy":[{{"strategy":"Host","priority":"DEFAULT",
                "wins":{wins},"reason":"one by one"}}]}}"#
        )
    };
    let line = format!("explain vm-snapshot {POOL} --quiescevm");
    let done = run(&line, &Fake::new(&[("listVMSnapshotStrategies", &answer("true"))]), 0);
    let asked = format!("listVMSnapshotStrategies virtualmachineid={POOL} quiescevm=true");
    assert_eq!(done.asked, asked);
    expect![[r#"
        STRATEGY  PRIORITY  WINS  REASON
        Host      DEFAULT   true  one by one
    "#]]
    .assert_eq(&done.out);
    assert_eq!(done.end.unwrap(), ExitCode::SUCCESS);
    let done = run(&line, &Fake::new(&[("listVMSnapshotStrategies", &answer("false"))]), 0);
    assert_eq!(done.end.unwrap(), ExitCode::from(1));
}

#[test]
fn instance_snapshots_are_named_as_other_things_are() {
    let found = format!(r#"{{"count":1,"vmSnapshot":[{{"id":"{POOL}","name":"before"}}]}}"#);
    let host = Fake::new(&[("listVMSnapshot", &found), ("revertToVMSnapshot", "{}")]);
    let done = run("instance-snapshot revert before", &host, 0);
    let asked = format!("revertToVMSnapshot vmsnapshotid={POOL}");
    assert!(done.asked.ends_with(&asked), "{}", done.asked);
}
