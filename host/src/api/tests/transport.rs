//! HTTP: methods, bodies, sizes, encodings, many requests at once, the end.

use super::harness::{FINISHED, TestServer, read, sign_all, signed};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

const NAMED: &str = r#"{"echoresponse":{"text":"a b"}}"#;

#[test]
fn trailing_slash_and_post_are_the_same() {
    let server = TestServer::start();
    let query = signed("echo", &[("text", "a b")]);
    assert_eq!(server.get(&query).body, NAMED);
    let slash =
        format!("GET /client/api/?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(server.send(slash).body, NAMED);
    assert_eq!(server.post("", &query).body, NAMED);
    assert_eq!(server.post(&query, "").body, NAMED);
    assert_eq!(server.post("", query.replace("%20", "+")).body, NAMED);
    let (first, rest) = query.split_once('&').unwrap();
    assert_eq!(server.post(first, rest).body, NAMED);
}

#[test]
fn query_wins_over_body_and_first_value_of_a_body_counts() {
    let server = TestServer::start();
    let query = signed("echo", &[("text", "a b")]);
    assert_eq!(server.post(&query, "text=other").body, NAMED);
    assert_eq!(server.post("", format!("{query}&text=other")).body, NAMED);
    assert_eq!(server.get(&format!("text=other&{query}")).body, NAMED);
}

#[test]
fn answers_carry_their_headers() {
    let server = TestServer::start();
    for answer in [server.call("listApis", &[]), server.get("command=x"), server.call("fail", &[])]
    {
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("deny"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36);
        assert_eq!(answer.header("x-description").is_some(), answer.status != 200);
    }
}

#[test]
fn description_header_survives_any_text() {
    let server = TestServer::start();
    let answer = server.call("dröp\u{1}\r\nX-Evil: 1", &[]);
    assert_eq!(answer.status, 432);
    assert_eq!(answer.header("x-description"), Some("unknown api command: dr?px-evil: 1"));
    assert_eq!(answer.header("x-evil"), None);
}

#[test]
fn large_body_is_read_and_a_huge_one_refused() {
    let server = TestServer::start();
    let text = "x".repeat(1_000_000);
    let answer = server.post("", signed("echo", &[("text", &text)]));
    assert_eq!((answer.status, answer.body.len()), (200, text.len() + 28));
    let answer = server.post("", "a".repeat(1024 * 1024 + 1));
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert_eq!(answer.inner()["errortext"], "the body is larger than 1048576 bytes");
    assert_eq!(server.call("whoAmI", &[]).status, 200);
}

#[test]
fn requests_that_cannot_be_taken_apart_are_told() {
    let server = TestServer::start();
    for (answer, status) in [
        (server.get("command=echo&text=%ff"), 430),
        (server.get("%c3%28=1"), 430),
        (server.get("a%0ab=1"), 430),
        (server.post("", b"command=\xff"), 430),
        (server.get(&"a&".repeat(10).replace('a', "a=%zz")), 401),
        (server.get(&(0..1_001).map(|n| format!("p{n}=&")).collect::<String>()), 430),
        (server.send("PUT /client/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 405),
        (server.send("GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 404),
        (
            server.send(
                "POST /client/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
            ),
            415,
        ),
    ] {
        assert_eq!(answer.status, status, "{}", answer.body);
        let inner = answer.inner();
        assert_eq!(inner["errorcode"], status);
        assert!(answer.json().get("errorresponse").is_some());
    }
}

#[test]
fn many_requests_are_answered_at_once() {
    let server = TestServer::start();
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for n in 0..20 {
                    let text = format!("{thread}-{n}");
                    let answer = server.call("echo", &[("text", &text)]);
                    assert_eq!(answer.inner()["text"], text);
                }
            });
        }
    });
}

#[test]
fn connection_serves_many_requests() {
    let server = TestServer::start();
    let mut stream = server.connect();
    for last in [false, true] {
        let close = if last { "Connection: close\r\n" } else { "" };
        let query = signed("whoAmI", &[]);
        write!(stream, "GET /client/api?{query} HTTP/1.1\r\nHost: x\r\n{close}\r\n").unwrap();
    }
    let answers = read(&mut stream);
    assert_eq!(answers.body.matches("whoamiresponse").count(), 2, "{}", answers.body);
}

#[test]
fn shutdown_lets_requests_end_and_takes_no_new_ones() {
    let mut server = TestServer::start();
    let mut busy = server.connect();
    let query = sign_all(&[("apikey", "KEY"), ("command", "sleep")]);
    write!(busy, "GET /client/api?{query} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let _idle = server.connect();
    server.wait_until_busy();
    server.stop();
    let answer = read(&mut busy);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"sleepresponse":{"success":true}}"#)
    );
    server.wait();
    assert!(std::net::TcpStream::connect_timeout(&server.address, Duration::from_secs(1)).is_err());
}

#[test]
fn client_that_hangs_up_does_not_end_the_command() {
    let mut server = TestServer::start();
    let mut gone = server.connect();
    let query = sign_all(&[("apikey", "KEY"), ("command", "finish")]);
    write!(gone, "GET /client/api?{query} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    server.wait_until_busy();
    drop(gone);
    server.stop();
    server.wait();
    assert_eq!(FINISHED.load(Ordering::SeqCst), 1);
}
