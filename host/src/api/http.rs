//! HTTP on one side, parameters and answers on the other.
//!
//! **Invariant:** whatever is asked, the answer is JSON with the same security headers.

use super::call::RequestId;
use super::dispatch::{Answer, Api};
use super::error::{ApiError, CsErrorCode, ErrorCode};
use super::form::Form;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use std::pin::Pin;
use std::time::Duration;

/// The largest body that is read.
const MAX_BODY: usize = 1024 * 1024;
/// How much of a larger body is read and dropped, so that its sender gets to read the answer.
const MAX_DROPPED: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest description in a header.
const MAX_DESCRIPTION: usize = 512;

const X_DESCRIPTION: HeaderName = HeaderName::from_static("x-description");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request at the path of the API.
pub(super) async fn api(State(api): State<Api>, request: Request) -> Response {
    let id = RequestId::random();
    let reached_at = reached_at(request.headers());
    let form = read_form(request).await;
    respond(api.answer(id, reached_at, form).await, id)
}

/// Answers a request at any other path.
pub(super) async fn not_found() -> Response {
    let id = RequestId::random();
    let error = ApiError::new(
        ErrorCode::NotFound,
        CsErrorCode::ServerApi,
        "there is nothing at this path; the API is at /client/api",
    );
    respond(Answer::error("errorresponse", &error, id), id)
}

/// The host and port that a client asked for, where they are nothing else.
fn reached_at(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let is_address = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    // Less is no name under which the client could reach it again.
    let is_whole = host.contains('.') || host.contains(':');
    (is_whole && host.chars().all(is_address)).then(|| host.to_owned())
}

async fn read_form(request: Request) -> Result<Form, ApiError> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    match parts.method {
        Method::GET => Form::parse(query, b""),
        Method::POST => {
            let body =
                tokio::time::timeout(BODY_TIMEOUT, read_body(body)).await.map_err(|_| {
                    refusal(ErrorCode::RequestTimeout, "the body did not arrive in time".to_owned())
                })??;
            if !body.is_empty() && !is_form(&parts.headers) {
                return Err(refusal(
                    ErrorCode::UnsupportedMediaType,
                    "please send the parameters in the query or as \
                     application/x-www-form-urlencoded"
                        .to_owned(),
                ));
            }
            Form::parse(query, &body)
        }
        _ => Err(refusal(
            ErrorCode::MethodNotAllowed,
            "please use GET or POST to call a command".to_owned(),
        )),
    }
}

fn refusal(code: ErrorCode, text: String) -> ApiError {
    ApiError::new(code, CsErrorCode::ServerApi, text)
}

fn is_form(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn read_body(mut body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut dropped = 0;
    while let Some(chunk) = next_chunk(&mut body).await? {
        if dropped == 0 && bytes.len() + chunk.len() <= MAX_BODY {
            bytes.extend_from_slice(&chunk);
            continue;
        }
        dropped += chunk.len();
        if dropped > MAX_DROPPED {
            break;
        }
    }
    if dropped > 0 {
        return Err(refusal(
            ErrorCode::PayloadTooLarge,
            format!("the body is larger than {MAX_BODY} bytes"),
        ));
    }
    Ok(bytes)
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                // Frames without data are trailers, which mean nothing here.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => {
                return Err(ApiError::malformed(format!("the body broke off: {error}")));
            }
        }
    }
}

fn respond(answer: Answer, id: RequestId) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if answer.status == ErrorCode::MethodNotAllowed.number() {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    insert_text(headers, X_REQUEST_ID, &id.to_string());
    if let Some(description) = answer.description {
        insert_text(headers, X_DESCRIPTION, &description);
    }
    response
}

/// Puts a text into a header, as far as a header can hold it.
fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    let printable: String = text
        .chars()
        .take(MAX_DESCRIPTION)
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&printable) {
        headers.insert(name, value);
    }
}
