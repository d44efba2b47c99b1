//! Jobs, operations, events, and the truth tools, as clients see them.

use super::harness::TestServer;
use crate::model::{
    Caller, EventLevel, Failure, Journal, JournalEntry, Moment, NewEvent, Operation, Phase,
    RecordKind,
};
use crate::store::Change;
use expect_test::{Expect, expect};
use uuid::Uuid;

const OPERATION: Uuid = Uuid::from_u128(0xa);
const OBJECT: Uuid = Uuid::from_u128(0xb);

/// An operation that failed, whose object is a zone, and two events.
fn server() -> TestServer {
    let server = TestServer::start();
    let mut journal = Journal::default();
    journal.push(JournalEntry {
        step: "make it on the pool".to_owned(),
        moment: Moment::Failed,
        at_us: 1_000_000,
        took_us: 1_500,
        attempt: 8,
        failure: Some(Failure::no_room("it is full")),
    });
    let operation = Operation {
        uuid: OPERATION,
        flow: "volume.create".to_owned(),
        flow_version: 1,
        state: "{}".to_owned(),
        position: 0,
        phase: Phase::Undone,
        attempt: 1,
        failure: Some(Failure::no_room("it is full")),
        waiting_for: None,
        cancel_requested: false,
        caller: Caller::admin(),
        command: "createVolume".to_owned(),
        object: Some((RecordKind::Volume, OBJECT)),
        journal,
        epoch: 1,
        created_us: 0,
        updated_us: 0,
    };
    let event = |event_type: &str, level| {
        Change::Event(NewEvent {
            event_type: event_type.to_owned(),
            level,
            object: Some((RecordKind::Volume, OBJECT)),
            account: "admin".to_owned(),
            operation: Some(OPERATION),
            description: "it happened".to_owned(),
        })
    };
    server.change(vec![
        Change::Begin(Box::new(operation)),
        event("VOLUME.CREATE", EventLevel::Error),
        event("VOLUME.ODD", EventLevel::Info),
    ]);
    server
}

#[track_caller]
fn check(server: &TestServer, command: &str, params: &[(&str, &str)], expected: Expect) {
    let answer = server.call(command, params);
    let mut text = format!("{} {}", answer.status, answer.body);
    // What the clock says is another text each time.
    for key in ["created", "updated", "completed"] {
        let key = format!("\"{key}\":\"");
        let mut from = 0;
        while let Some(at) = text[from..].find(&key).map(|at| from + at + key.len()) {
            let end = at + text[at..].find('"').unwrap();
            text.replace_range(at..end, "…");
            from = at;
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn operations_are_listed_with_their_journal() {
    let server = server();
    let object = OBJECT.to_string();
    check(
        &server,
        "listOperations",
        &[("objectid", &object)],
        expect![[
            r#"200 {"listoperationsresponse":{"count":1,"operation":[{"id":"00000000-0000-0000-0000-00000000000a","flow":"volume.create","command":"createVolume","account":"admin","phase":"undone","objecttype":"Volume","objectid":"00000000-0000-0000-0000-00000000000b","created":"…","updated":"…","tookms":0,"failure":"it is full","failurekind":"CapacityExceeded","cancelrequested":false,"journal":[{"step":"make it on the pool","moment":"failed","at":"1970-01-01T00:00:01+0000","tookms":1.5,"attempt":8,"failure":"it is full"}]}]}}"#
        ]],
    );
    for (filter, value, count) in [
        ("id", OPERATION.to_string(), 1),
        ("id", OBJECT.to_string(), 0),
        ("objectid", OPERATION.to_string(), 0),
        ("phase", "undone,done".to_owned(), 1),
        ("phase", "running".to_owned(), 0),
        ("flow", "volume.create".to_owned(), 1),
        ("waiting", "true".to_owned(), 0),
        ("keyword", "VOLUME".to_owned(), 1),
    ] {
        let inner = server.call("listOperations", &[(filter, &value)]).inner();
        assert_eq!(inner["count"].as_u64().unwrap_or_default(), count, "{filter}={value}");
    }
    assert_eq!(server.call("listOperations", &[("phase", "odd")]).status, 431);
    // Every filter counts, also beside an id.
    let id = OPERATION.to_string();
    for (filter, value, count) in [
        ("objectid", &*object, 1),
        ("objectid", &*id, 0),
        ("objectid", "-1", 0),
        ("phase", "undone", 1),
        ("phase", "done", 0),
    ] {
        let inner = server.call("listOperations", &[("id", &*id), (filter, value)]).inner();
        assert_eq!(inner["count"].as_u64().unwrap_or_default(), count, "{filter}={value}");
    }
}

#[test]
fn jobs_are_listed_as_they_are_asked_for() {
    check(
        &server(),
        "listAsyncJobs",
        &[],
        expect![[
            r#"200 {"listasyncjobsresponse":{"count":1,"asyncjobs":[{"jobid":"00000000-0000-0000-0000-00000000000a","jobstatus":2,"jobprocstatus":0,"jobresultcode":533,"jobresulttype":"object","jobresult":{"errorcode":533,"errortext":"it is full"},"cmd":"createVolume","jobinstancetype":"Volume","jobinstanceid":"00000000-0000-0000-0000-00000000000b","account":"admin","accountid":"2","userid":"00000000-0000-0000-0000-000000000000","domain":"ROOT","created":"…","completed":"…","phase":"undone"}]}}"#
        ]],
    );
    let none = server().call("listAsyncJobs", &[("startdate", "2999-01-01T00:00:00+0000")]);
    assert_eq!(none.body, r#"{"listasyncjobsresponse":{}}"#);
}

#[test]
fn events_are_listed_with_numbers() {
    let server = server();
    check(
        &server,
        "listEvents",
        &[("level", "error")],
        expect![[
            r#"200 {"listeventsresponse":{"count":1,"event":[{"id":"00000000-0000-0000-0000-000000000001","number":1,"type":"VOLUME.CREATE","level":"ERROR","description":"it happened","account":"admin","username":"admin","domain":"ROOT","created":"…","state":"Completed","resourceid":"00000000-0000-0000-0000-00000000000b","resourcetype":"Volume","jobid":"00000000-0000-0000-0000-00000000000a"}]}}"#
        ]],
    );
    for (filter, value, count) in [
        ("number", "1", 1),
        ("number", "2", 0),
        ("type", "volume.odd", 1),
        ("resourcetype", "Volume", 2),
        ("resourceid", "-1", 0),
        ("id", "00000000-0000-0000-0000-000000000002", 1),
        ("startdate", "2999-01-01", 0),
        ("enddate", "2999-01-01", 2),
        ("account", "nobody", 0),
        ("keyword", "HAPPENED", 2),
    ] {
        let inner = server.call("listEvents", &[(filter, value)]).inner();
        assert_eq!(inner["count"].as_u64().unwrap_or_default(), count, "{filter}={value}");
    }
    let today = &crate::api::format_timestamp(std::time::SystemTime::now())[..10];
    let inner = server.call("listEvents", &[("enddate", today)]).inner();
    assert_eq!(inner["count"], 2, "a day means its end");
    assert_eq!(server.call("listEvents", &[("number", "-1")]).status, 431);
    assert_eq!(server.call("listEvents", &[("level", "LOUD")]).status, 431);
}

#[test]
fn event_types_are_those_of_flows_and_of_what_happened() {
    let inner = server().call("listEventTypes", &[]).inner();
    let names: Vec<_> =
        inner["eventtypes"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    for name in ["VOLUME.CREATE", "VOLUME.ODD", "ORPHAN.PURGE"] {
        assert!(names.contains(&name.into()), "{names:?}");
    }
}

#[test]
fn only_an_operation_that_runs_can_be_cancelled() {
    let server = server();
    let id = OPERATION.to_string();
    check(
        &server,
        "cancelOperation",
        &[("id", &id)],
        expect![[
            r#"431 {"canceloperationresponse":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"operation 00000000-0000-0000-0000-00000000000a is undone already"}}"#
        ]],
    );
    let nothing = server.call("cancelOperation", &[("id", &OBJECT.to_string())]);
    assert_eq!(nothing.status, 431);
}

#[test]
fn host_without_pools_has_no_orphans_and_a_report_of_its_health() {
    let server = server();
    check(&server, "scanOrphans", &[], expect![[r#"200 {"scanorphansresponse":{}}"#]]);
    check(
        &server,
        "purgeOrphans",
        &[("dryrun", "false")],
        expect![[r#"200 {"purgeorphansresponse":{}}"#]],
    );
    check(
        &server,
        "listHealthFindings",
        &[("severity", "error")],
        expect![[
            r#"200 {"listhealthfindingsresponse":{"count":1,"finding":[{"severity":"ERROR","thing":"plugin \"ceph\"","what":"Failed: cannot load \"ceph\": needs glibc 2.99","wayout":"build it on an older system"}]}}"#
        ]],
    );
    let inner = server.call("listHealthFindings", &[("severity", "info")]).inner();
    assert_eq!(inner["count"], 1);
}

#[test]
fn words_that_are_none_are_refused_with_the_list_of_words() {
    let server = server();
    for (command, parameter, words) in [
        ("scanOrphans", "class", "unknown, leftover, misplaced, missing, foreign or unscanned"),
        ("listHealthFindings", "severity", "INFO, WARN or ERROR"),
        ("listEvents", "level", "INFO, WARN or ERROR"),
        ("listOperations", "phase", "running, undoing, done or undone"),
        ("listVirtualMachines", "state", "Starting, Running"),
        ("listVolumes", "state", "Ready"),
        ("listStoragePools", "scope", "ZONE"),
        ("listStoragePools", "status", "Maintenance"),
        ("listHosts", "state", "Up or Removed"),
        ("listHosts", "resourcestate", "Enabled or Disabled"),
        ("listDiskOfferings", "state", "Active, Inactive or all"),
    ] {
        let answer = server.call(command, &[(parameter, "no such word")]);
        assert_eq!(answer.status, 431, "{command} {parameter}: {}", answer.body);
        let text = answer.inner()["errortext"].as_str().unwrap().to_owned();
        assert!(text.contains(&format!("parameter {parameter}: use ")), "{command}: {text}");
        assert!(text.contains(words), "{command}: {text}");
    }
}

#[test]
fn only_the_word_false_disarms_the_dry_run_of_a_purge() {
    let server = server();
    for word in ["", " ", "0", "no", "off", "flase", "fals\u{e9}"] {
        let answer = server.call("purgeOrphans", &[("dryrun", word)]);
        assert_eq!(answer.status, 431, "{word:?}: {}", answer.body);
        assert!(answer.body.contains("it is not true or false"), "{word:?}: {}", answer.body);
    }
    for word in ["true", "TRUE", "false", "False"] {
        assert_eq!(server.call("purgeOrphans", &[("dryrun", word)]).status, 200, "{word:?}");
    }
}
