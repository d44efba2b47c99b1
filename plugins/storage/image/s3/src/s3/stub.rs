//! A server that answers as a test says, for what no real one does when it is asked to: answers that
//! are lost, other bytes that arrive.

use super::{Bucket, Connection, Endpoint};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use storage_plugin_api::Secret;

/// What a server was asked: the first line of each request, and its body's length.
pub(crate) type Asked = Arc<Mutex<Vec<(String, usize)>>>;

/// A request's first line and headers, in lower case.
pub(crate) type Head = Vec<String>;

/// A bucket of a server that answers a request with a status line, headers and a body, or with
/// nothing: then the connection ends. It ends with the process.
pub(crate) fn server(answer: impl Fn(&Head) -> Option<String> + Send + 'static) -> (Bucket, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            serve(connection.unwrap(), &answer, &seen);
        }
    });
    let endpoint = Endpoint::parse(&endpoint, None).unwrap();
    let mut connection = Connection::new(endpoint, "images", "key", Secret::new("secret"));
    connection.max_error_retry = 0;
    (Bucket::new(connection).unwrap(), asked)
}

/// A whole answer, after which the connection ends.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    let length = if headers.contains("content-length") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    Some(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{length}{headers}\r\n{body}"))
}

/// Whether a request is of a method.
pub(crate) fn is(head: &Head, method: &str) -> bool {
    head[0].starts_with(method)
}

/// A server that begins uploads, and refuses every part.
pub(crate) fn refusing() -> (Bucket, Asked) {
    server(|head| match (is(head, "POST"), is(head, "DELETE")) {
        (true, _) => {
            let id = "<UploadId>one</UploadId>";
            let root = "InitiateMultipartUploadResult";
            answer("200 OK", "", &format!("<{root}>{id}</{root}>"))
        }
        (_, true) => answer("204 No Content", "content-length: 0\r\n", ""),
        _ => answer("403 Forbidden", "", "<Error><Code>AccessDenied</Code></Error>"),
    })
}

fn serve(connection: TcpStream, answer: &impl Fn(&Head) -> Option<String>, seen: &Asked) {
    let mut reader = BufReader::new(connection);
    let mut head = Head::new();
    loop {
        let mut line = String::new();
        // A connection of which nothing came was given up.
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => head.push(if head.is_empty() { line.to_owned() } else { line.to_lowercase() }),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    seen.lock().unwrap().push((head[0].clone(), length));
    if let Some(answer) = answer(&head) {
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}
