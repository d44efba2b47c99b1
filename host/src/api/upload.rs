//! `/upload/<id>`: where the bytes of a template or ISO are sent.
//!
//! `PUT` takes a file, or a part of it with `Content-Range: bytes a-b/total`; `HEAD` tells in
//! `Upload-Offset` where to go on; `POST` takes the form that browsers send, as CloudStack has it.
//! All of them bear `X-Metadata`, `X-Expires` and `X-Signature` as `getUploadParamsForTemplate`
//! told them.
//!
//! **Invariant:** an upload that is not signed is nothing, as one that there is not.

use super::dispatch::Api;
use super::http::not_found;
use crate::model::{Failure, Stored, Upload};
use crate::orchestration::upload::{Arrived, Part, Uploads, is_signed};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::pin::Pin;
use storage_plugin_api::PluginErrorKind;
use tokio::sync::mpsc::{Sender, channel};
use uuid::Uuid;

/// The path that all uploads begin with.
pub(super) const PATH: &str = "/upload/{id}";
/// How many pieces wait for the store.
const WAITING: usize = 4;

const X_METADATA: &str = "x-metadata";
const X_EXPIRES: &str = "x-expires";
const X_SIGNATURE: &str = "x-signature";
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");

/// The next piece, or why there is none.
type Piece = Result<Bytes, String>;

/// Answers a request for an upload.
pub(super) async fn upload(State(api): State<Api>, request: Request) -> Response {
    let uploads = api.services().orchestration.uploads.clone();
    let upload = match find(&uploads, request.uri().path(), request.headers()).await {
        Ok(Some(upload)) => upload,
        Ok(None) => return not_found().await,
        Err(failure) => return refused(&failure),
    };
    match *request.method() {
        Method::HEAD => match uploads.progress(&upload).await {
            Ok(arrived) => told(StatusCode::OK, &upload, None, arrived),
            Err(failure) => refused(&failure),
        },
        Method::PUT => put(&uploads, &upload, request).await,
        Method::POST => post(&uploads, &upload, request).await,
        _ => {
            let mut response = says(StatusCode::METHOD_NOT_ALLOWED, "please use PUT, POST or HEAD");
            let allowed = HeaderValue::from_static("HEAD, POST, PUT");
            response.headers_mut().insert(header::ALLOW, allowed);
            response
        }
    }
}

/// The upload of a request that is signed.
async fn find(
    uploads: &Uploads,
    path: &str,
    headers: &HeaderMap,
) -> Result<Option<Stored<Upload>>, Failure> {
    let id = path.trim_end_matches('/').rsplit('/').next().and_then(|id| Uuid::try_parse(id).ok());
    let Some(id) = id else {
        return Ok(None);
    };
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let (Some(metadata), Some(expires), Some(signature)) =
        (text(X_METADATA), text(X_EXPIRES), text(X_SIGNATURE))
    else {
        return Ok(None);
    };
    let found = uploads.find(id).await?;
    Ok(found.filter(|upload| is_signed(upload, metadata, expires, signature)))
}

/// A file, or a part of one.
async fn put(uploads: &Uploads, upload: &Stored<Upload>, request: Request) -> Response {
    let part = match part_of(request.headers()) {
        Ok(part) => part,
        Err((status, why)) => return says(status, &why),
    };
    if part.total.is_some_and(|total| total > uploads.max_bytes()) {
        return too_large(uploads);
    }
    let body = request.into_body();
    take(uploads, upload, part, |sender| async move { pump(body, &sender).await }).await
}

/// The form that a browser sends: its first file counts.
async fn post(uploads: &Uploads, upload: &Stored<Upload>, request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(kind) else {
        let why = "please send the file as multipart/form-data, or with PUT as it is";
        return says(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    };
    let body = request.into_body().into_data_stream();
    let part = Part { from: 0, total: None };
    take(uploads, upload, part, |sender| async move {
        let mut form = multer::Multipart::new(body, boundary);
        let sent = async {
            while let Some(mut field) = form.next_field().await? {
                if field.file_name().is_none() {
                    continue;
                }
                while let Some(piece) = field.chunk().await? {
                    if sender.send(Ok(piece)).await.is_err() {
                        break;
                    }
                }
                return Ok(());
            }
            Ok(())
        };
        let sent: Result<(), multer::Error> = sent.await;
        if let Err(error) = sent {
            sender.send(Err(error.to_string())).await.ok();
        }
    })
    .await
}

/// Hands over what `send` sends, until it is taken or refused.
async fn take<F>(
    uploads: &Uploads,
    upload: &Stored<Upload>,
    part: Part,
    send: impl FnOnce(Sender<Piece>) -> F,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, pieces) = channel(WAITING);
    let receiving = match uploads.receive(upload, part, pieces).await {
        Ok(receiving) => receiving,
        Err(failure) => return refused(&failure),
    };
    let job = receiving.begun.operation;
    // In a task of its own: what came is kept in order, though the client hangs up.
    let sending = tokio::spawn(send(sender));
    let arrived = uploads.arrived(receiving).await;
    sending.abort();
    match arrived {
        Ok(arrived) if arrived.is_whole => told(StatusCode::CREATED, upload, Some(job), arrived),
        Ok(arrived) if arrived.offset >= part.from => {
            told(StatusCode::ACCEPTED, upload, Some(job), arrived)
        }
        // What comes before it is not there.
        Ok(arrived) => told(StatusCode::CONFLICT, upload, Some(job), arrived),
        Err(failure) => refused(&failure),
    }
}

/// Hands a body over, piece by piece.
async fn pump(mut body: Body, sender: &Sender<Piece>) {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let piece = match frame.await {
            None => return,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => Ok(piece),
                // Trailers mean nothing here.
                Err(_) => continue,
            },
            Some(Err(error)) => Err(error.to_string()),
        };
        let is_last = piece.is_err();
        if sender.send(piece).await.is_err() || is_last {
            return;
        }
    }
}

/// Which part of its file a request brings.
fn part_of(headers: &HeaderMap) -> Result<Part, (StatusCode, String)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let length = text(header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let Some(range) = text(header::CONTENT_RANGE) else {
        let why = "please say how long the file is (Content-Length)".to_owned();
        let total = length.ok_or((StatusCode::LENGTH_REQUIRED, why))?;
        return Ok(Part { from: 0, total: Some(total) });
    };
    let malformed = || {
        let why = "Content-Range is bytes FIRST-LAST/TOTAL, of as many bytes as are sent, up to \
                   the end of the file";
        (StatusCode::BAD_REQUEST, why.to_owned())
    };
    let spec = range.trim().strip_prefix("bytes ").ok_or_else(malformed)?;
    let (part, total) = spec.split_once('/').ok_or_else(malformed)?;
    let (first, last) = part.split_once('-').ok_or_else(malformed)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| malformed());
    let (first, last, total) = (number(first)?, number(last)?, number(total)?);
    let sent = last.checked_sub(first).and_then(|less| less.checked_add(1));
    let sent = sent.ok_or_else(malformed)?;
    if last >= total || length.is_some_and(|length| length != sent) {
        return Err(malformed());
    }
    Ok(Part { from: first, total: Some(total) })
}

fn too_large(uploads: &Uploads) -> Response {
    let why = format!(
        "the file is larger than {} bytes; an administrator may raise max_image_bytes in \
         plugins.toml",
        uploads.max_bytes()
    );
    says(StatusCode::PAYLOAD_TOO_LARGE, &why)
}

fn refused(failure: &Failure) -> Response {
    let status = match failure.kind {
        PluginErrorKind::InvalidArgument | PluginErrorKind::Corrupt => StatusCode::BAD_REQUEST,
        PluginErrorKind::NotFound => StatusCode::NOT_FOUND,
        PluginErrorKind::InUse | PluginErrorKind::Conflict | PluginErrorKind::Cancelled => {
            StatusCode::CONFLICT
        }
        PluginErrorKind::CapacityExceeded => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    says(status, &failure.message)
}

fn says(status: StatusCode, why: &str) -> Response {
    answer(status, &json!({ "errorcode": status.as_u16(), "errortext": why }))
}

/// Tells how far an upload is.
fn told(status: StatusCode, upload: &Upload, job: Option<Uuid>, arrived: Arrived) -> Response {
    let mut response = answer(
        status,
        &json!({
            "id": upload.template, "jobid": job, "offset": arrived.offset,
            "length": arrived.total, "complete": arrived.is_whole,
        }),
    );
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(arrived.offset));
    if let Some(total) = arrived.total {
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(total));
    }
    response
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(length: Option<&'static str>, range: Option<&'static str>) -> Result<Part, u16> {
        let mut headers = HeaderMap::new();
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        }
        if let Some(range) = range {
            headers.insert(header::CONTENT_RANGE, HeaderValue::from_static(range));
        }
        part_of(&headers).map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_part_says_where_it_begins_and_how_long_the_file_is() {
        let whole = |from| Ok(Part { from, total: Some(100) });
        assert_eq!(part(Some("100"), None), whole(0));
        assert_eq!(part(Some("60"), Some("bytes 40-99/100")), whole(40));
        assert_eq!(part(None, Some("bytes 40-49/100")), whole(40));
        assert_eq!(part(None, None), Err(411));
        for range in
            ["bytes 40-99/*", "bytes */100", "bytes 99-40/100", "bytes 0-100/100", "0-9/10"]
        {
            assert_eq!(part(None, Some(range)), Err(400), "{range}");
        }
        assert_eq!(part(Some("5"), Some("bytes 40-99/100")), Err(400));
    }
}
