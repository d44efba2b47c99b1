//! `/userdata/<word>.<extension>`: what a link for download leads to.
//!
//! **Invariants:** the word is in no log and no answer. A link that does not work is nothing, for
//! whatever reason. However large the file, a few pieces of it are in memory.

use super::dispatch::Api;
use super::http::not_found;
use super::range::{Asked, asked};
use crate::orchestration::extract::Opened;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, channel};

/// The path that all links begin with.
pub(super) const PATH: &str = "/userdata/{file}";
/// The digits of a word.
const WORD: usize = 64;
/// How many pieces wait for whoever downloads.
const WAITING: usize = 2;

/// Answers a request for a link.
pub(super) async fn download(State(api): State<Api>, request: Request) -> Response {
    let method = request.method().clone();
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, &[(header::ALLOW, "GET, HEAD".to_owned())]);
    }
    let Some(word) = word_of(request.uri().path()) else {
        return not_found().await;
    };
    let extracts = api.services().orchestration.extracts.clone();
    let opened = match extracts.open(word).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return not_found().await,
        Err(failure) => {
            log::error!("a link cannot be looked up: {failure}");
            return plain(StatusCode::SERVICE_UNAVAILABLE, &[]);
        }
    };
    let (status, range) = match wanted(request.headers(), &opened) {
        Asked::Whole => (StatusCode::OK, 0..opened.length_bytes()),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Unsatisfiable => {
            let all = format!("bytes */{}", opened.length_bytes());
            return plain(StatusCode::RANGE_NOT_SATISFIABLE, &[(header::CONTENT_RANGE, all)]);
        }
    };
    let mut response = plain(status, &headers(&opened, &range, status));
    if method == Method::GET {
        let (sender, pieces) = channel(WAITING);
        let left = range.end - range.start;
        *response.body_mut() = Body::new(Pieces { pieces, left });
        tokio::spawn(async move { extracts.send(&opened, range, sender).await });
    }
    response
}

/// The word of a path, if it can be one.
fn word_of(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next()?;
    let word = file.split('.').next()?;
    let is_word = word.len() == WORD && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_word.then_some(word)
}

/// What is asked for. A range counts only of the very bytes that the client has the rest of.
fn wanted(headers: &HeaderMap, opened: &Opened) -> Asked {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match text(header::IF_RANGE) {
        Some(tag) if tag != quoted(opened) => Asked::Whole,
        _ => asked(text(header::RANGE), opened.length_bytes()),
    }
}

fn quoted(opened: &Opened) -> String {
    format!("\"{}\"", opened.tag())
}

fn headers(
    opened: &Opened,
    range: &Range<u64>,
    status: StatusCode,
) -> Vec<(header::HeaderName, String)> {
    let mut headers = vec![
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
        (header::CONTENT_DISPOSITION, disposition(opened.file_name())),
        (header::ETAG, quoted(opened)),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last) = (range.start, range.end - 1);
        let part = format!("bytes {first}-{last}/{}", opened.length_bytes());
        headers.push((header::CONTENT_RANGE, part));
    }
    headers
}

/// A file to keep, by its name (RFC 6266): in ASCII, and in full.
fn disposition(name: &str) -> String {
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let full = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

/// An answer without a body.
fn plain(status: StatusCode, more: &[(header::HeaderName, String)]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "private, no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// The pieces of a file on their way. It breaks off where they end too early.
struct Pieces {
    pieces: Receiver<Bytes>,
    left: u64,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.pieces.poll_recv(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Poll::Ready(None) if self.left == 0 => Poll::Ready(None),
            Poll::Ready(None) => {
                let why = io::Error::new(io::ErrorKind::UnexpectedEof, "the download broke off");
                Poll::Ready(Some(Err(why)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_taken_with_any_extension_and_nothing_else_is() {
        let word = "0123456789abcdef".repeat(4);
        for path in [format!("/userdata/{word}"), format!("/userdata/{word}.qcow2")] {
            assert_eq!(word_of(&path), Some(word.as_str()));
        }
        for path in ["/userdata/", "/userdata/x.raw", &format!("/userdata/{word}0.raw")] {
            assert_eq!(word_of(path), None, "{path}");
        }
    }

    #[test]
    fn a_name_that_is_not_ascii_is_told_in_both_ways() {
        assert_eq!(
            disposition("größe.raw"),
            "attachment; filename=\"gr__e.raw\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%2Eraw"
        );
    }
}
