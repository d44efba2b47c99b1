//! Golden texts of every envelope.

use super::harness::{TestServer, sign_all, signed};
use crate::api::{ApiError, CsErrorCode, ErrorCode, Reply, RequestId};
use expect_test::{Expect, expect};
use serde_json::json;
use uuid::Uuid;

#[track_caller]
fn check(reply: Result<Reply, ApiError>, expected: Expect) {
    expected.assert_eq(&reply.unwrap().wrapped("listxresponse"));
}

#[test]
fn lists_hold_count_and_one_array() {
    let rows = [json!({"id": "a"}), json!({"id": "b"})];
    check(
        Reply::list("x", 7, &rows),
        expect![[r#"{"listxresponse":{"count":7,"x":[{"id":"a"},{"id":"b"}]}}"#]],
    );
    check(Reply::list("x", 0, &rows[..0]), expect![[r#"{"listxresponse":{}}"#]]);
    check(Reply::list("x", 7, &rows[..0]), expect![[r#"{"listxresponse":{"count":7}}"#]]);
}

#[test]
fn other_replies_are_one_object() {
    let value = json!({"id": "a"});
    check(Reply::object("x", &value), expect![[r#"{"listxresponse":{"x":{"id":"a"}}}"#]]);
    check(Reply::flat(&value), expect![[r#"{"listxresponse":{"id":"a"}}"#]]);
    check(Ok(Reply::success(None)), expect![[r#"{"listxresponse":{"success":true}}"#]]);
    check(
        Ok(Reply::success(Some("do\"ne"))),
        expect![[r#"{"listxresponse":{"success":true,"displaytext":"do\"ne"}}"#]],
    );
}

#[test]
fn jobs_are_announced_with_what_they_make() {
    let (job, object) = (Uuid::from_u128(1), Uuid::from_u128(2));
    check(
        Ok(Reply::job(job, None)),
        expect![[r#"{"listxresponse":{"jobid":"00000000-0000-0000-0000-000000000001"}}"#]],
    );
    check(
        Ok(Reply::job(job, Some(object))),
        expect![[
            r#"{"listxresponse":{"id":"00000000-0000-0000-0000-000000000002","jobid":"00000000-0000-0000-0000-000000000001"}}"#
        ]],
    );
}

#[test]
fn error_holds_both_codes_and_its_text() {
    let error = ApiError::new(
        ErrorCode::InsufficientCapacity,
        CsErrorCode::InsufficientStorageCapacity,
        "no \"room\"\n",
    );
    expect![[r#"{"xresponse":{"uuidList":[],"errorcode":533,"cserrorcode":4340,"errortext":"no \"room\"\n"}}"#]]
        .assert_eq(&error.wrapped("xresponse", RequestId::random()));
}

#[track_caller]
fn check_sent(server: &TestServer, query: &str, status: u16, expected: Expect) {
    let answer = server.get(query);
    assert_eq!(answer.status, status, "{}", answer.body);
    let text = answer.inner()["errortext"].as_str().unwrap().to_ascii_lowercase();
    assert_eq!(answer.header("x-description"), Some(text.as_str()));
    expected.assert_eq(&answer.body);
}

#[test]
fn errors_of_the_protocol_read_as_clients_expect() {
    let server = TestServer::start();
    check_sent(
        &server,
        "command=listApis&response=json",
        401,
        expect![[
            r#"{"listapisresponse":{"uuidList":[],"errorcode":401,"cserrorcode":4290,"errortext":"unable to verify user credentials and/or request signature"}}"#
        ]],
    );
    check_sent(
        &server,
        "command=nonsense",
        401,
        expect![[
            r#"{"errorresponse":{"uuidList":[],"errorcode":401,"cserrorcode":4290,"errortext":"unable to verify user credentials and/or request signature"}}"#
        ]],
    );
    check_sent(
        &server,
        &signed("nonsense", &[]),
        432,
        expect![[
            r#"{"errorresponse":{"uuidList":[],"errorcode":432,"cserrorcode":9999,"errortext":"Unknown API command: nonsense"}}"#
        ]],
    );
    check_sent(
        &server,
        &signed("LISTAPIS", &[]),
        432,
        expect![[
            r#"{"errorresponse":{"uuidList":[],"errorcode":432,"cserrorcode":9999,"errortext":"Unknown API command: LISTAPIS"}}"#
        ]],
    );
    check_sent(
        &server,
        &sign_all(&[("apikey", "KEY")]),
        432,
        expect![[
            r#"{"errorresponse":{"uuidList":[],"errorcode":432,"cserrorcode":9999,"errortext":"Invalid request, no command sent"}}"#
        ]],
    );
    check_sent(
        &server,
        &sign_all(&[("apikey", "KEY"), ("command", "listApis"), ("response", "xml")]),
        431,
        expect![[
            r#"{"listapisresponse":{"uuidList":[],"errorcode":431,"cserrorcode":9999,"errortext":"Invalid value for parameter response: this host answers in JSON only, please use response=json"}}"#
        ]],
    );
    check_sent(
        &server,
        &signed("listStorageProviders", &[("type", "image"), ("page", "1")]),
        431,
        expect![[
            r#"{"liststorageprovidersresponse":{"uuidList":[],"errorcode":431,"cserrorcode":9999,"errortext":"\"pagesize\" parameter is required when \"page\" is specified"}}"#
        ]],
    );
}

#[test]
fn what_failed_inside_goes_to_the_log_only() {
    let server = TestServer::start();
    for command in ["panic", "fail"] {
        let answer = server.call(command, &[]);
        assert_eq!(answer.status, 530);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
        let id = answer.header("x-request-id").unwrap();
        let inner = answer.inner();
        assert_eq!(
            inner["errortext"].as_str().unwrap(),
            format!("internal error; the log of the host tells it under request {id}")
        );
        assert_eq!((&inner["errorcode"], &inner["cserrorcode"]), (&json!(530), &json!(4250)));
    }
    assert_eq!(server.call("whoAmI", &[]).body, r#"{"whoamiresponse":{"account":"admin"}}"#);
}
