//! One question to a source, through its redirects, and what the answer says.

use super::connect::{Connector, unfit};
use super::identity::SourceIdentity;
use super::settings::DownloadRequest;
use super::url::{Scheme, SourceUrl};
use crate::motion::wait::within;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_RANGE, ETAG, HOST, HeaderMap, HeaderName,
    IF_RANGE, LAST_MODIFIED, LOCATION, PROXY_AUTHORIZATION, RANGE, RETRY_AFTER, TRANSFER_ENCODING,
    USER_AGENT,
};
use hyper::{Request, Response, StatusCode};
use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginErrorKind, PluginResult, Retry};

/// How far a source may lead on.
const MAX_REDIRECTS: usize = 10;
/// How long a server may ask us to wait; one that wants more is asked again all the same.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
const CHUNKED: &[u8] = b"chunked";
const AGENT: &str = concat!("storage-host/", env!("CARGO_PKG_VERSION"));

/// The answer of a source that has the bytes.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) kind: AnswerKind,
    /// What the source is, as this answer tells.
    pub(super) identity: SourceIdentity,
    pub(super) body: Incoming,
}

/// Which bytes an answer has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// All of them, from the first.
    Whole,
    /// Those from here on.
    From(u64),
    /// None: the offset lies at or behind the end.
    NothingThere,
}

/// Asks for a source from an offset on, if it is still what it was.
pub(super) async fn ask(
    connector: &Connector,
    call: &CallContext,
    request: &DownloadRequest,
    offset: u64,
    known: &SourceIdentity,
) -> PluginResult<Answer> {
    let mut url = request.url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = send(connector, call, &url, offset, known).await?;
        if !is_redirect(response.status()) {
            return understand(&url, response);
        }
        url = redirect(request, &url, &response)?;
    }
    Err(PluginError::invalid_argument(format!(
        "{} redirects more than {MAX_REDIRECTS} times",
        request.url
    )))
}

async fn send(
    connector: &Connector,
    call: &CallContext,
    url: &SourceUrl,
    offset: u64,
    known: &SourceIdentity,
) -> PluginResult<Response<Incoming>> {
    let mut connection = connector.connect(call, url).await?;
    let proxy = connection.proxy.as_ref();
    let target = if proxy.is_some() { url.absolute_target() } else { url.target() };
    let mut request = Request::get(target)
        .header(HOST, url.host_header())
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "*/*")
        // The bytes as they lie there: that is what a checksum is of.
        .header(ACCEPT_ENCODING, "identity");
    if let Some(authorization) = url.authorization() {
        request = request.header(AUTHORIZATION, authorization);
    }
    if let Some(authorization) = proxy.and_then(|proxy| proxy.url.authorization()) {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    if offset > 0 {
        request = request.header(RANGE, format!("bytes={offset}-"));
        if let Some(validator) = known.validator() {
            request = request.header(IF_RANGE, validator);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| unfit(url, &error))?;
    let late = || PluginError::timeout(format!("{url} does not answer"));
    let sent = connection.sender.send_request(request);
    within(call, connector.settings.window, late, sent).await?.map_err(|error| {
        PluginError::unavailable(format!("{url} broke off before it answered")).caused_by(&error)
    })
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a source leads, if it may.
fn redirect(
    request: &DownloadRequest,
    url: &SourceUrl,
    response: &Response<Incoming>,
) -> PluginResult<SourceUrl> {
    let location = header(response.headers(), &LOCATION).ok_or_else(|| {
        PluginError::invalid_argument(format!("{url} redirects and does not say where to"))
    })?;
    let next = url.join(&location)?;
    if !request.follow_redirects {
        return Err(PluginError::invalid_argument(format!(
            "{url} redirects to {next}, and redirects are not followed: give that URL, or ask for \
             followredirects=true"
        )));
    }
    match (url.scheme(), next.scheme()) {
        (Scheme::Https, Scheme::Http) => Err(PluginError::permission_denied(format!(
            "{url} redirects to {next}, which is not encrypted: give that URL itself if you want it"
        ))),
        (_, Scheme::File) => Err(PluginError::permission_denied(format!(
            "{url} redirects to a file of this host, which is never followed"
        ))),
        _ => Ok(next),
    }
}

/// What an answer says.
fn understand(url: &SourceUrl, response: Response<Incoming>) -> PluginResult<Answer> {
    let status = response.status();
    let headers = response.headers();
    let mut identity = SourceIdentity {
        length: None,
        etag: header(headers, &ETAG),
        last_modified: header(headers, &LAST_MODIFIED),
    };
    let kind = match status {
        StatusCode::OK => {
            identity.length = whole_length(url, &response)?;
            AnswerKind::Whole
        }
        StatusCode::PARTIAL_CONTENT => {
            let (from, length) = content_range(url, headers)?;
            identity.length = length;
            AnswerKind::From(from)
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            identity.length = header(headers, &CONTENT_RANGE)
                .and_then(|range| range.strip_prefix("bytes */")?.trim().parse().ok());
            AnswerKind::NothingThere
        }
        status => return Err(refusal(url, status, headers)),
    };
    Ok(Answer { kind, identity, body: response.into_body() })
}

/// The bytes of a whole answer. One that ends with its connection may be cut off unseen; one in
/// chunks, and in nothing but chunks, may not.
fn whole_length(url: &SourceUrl, response: &Response<Incoming>) -> PluginResult<Option<u64>> {
    let length = response.body().size_hint().exact();
    let codings = response.headers().get_all(TRANSFER_ENCODING).into_iter();
    let mut codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_chunked =
        codings.next().is_some_and(|one| one.trim_ascii().eq_ignore_ascii_case(CHUNKED))
            && codings.next().is_none();
    if length.is_none() && !is_chunked {
        return Err(PluginError::invalid_argument(format!(
            "{url} says neither how many bytes it has nor where they end, so a part of it could \
             not be told from all of it; offer the file from a server that sends Content-Length"
        )));
    }
    Ok(length)
}

/// Where a part begins, and how much the whole is: `bytes 5-9/10`.
fn content_range(url: &SourceUrl, headers: &HeaderMap) -> PluginResult<(u64, Option<u64>)> {
    let range = header(headers, &CONTENT_RANGE);
    let parsed = range.as_deref().and_then(|range| {
        let (part, whole) = range.strip_prefix("bytes ")?.split_once('/')?;
        let (from, to) = part.split_once('-')?;
        let (from, to): (u64, u64) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        let whole: Option<u64> = match whole.trim() {
            "*" => None,
            whole => Some(whole.parse().ok()?),
        };
        // A part of what was asked for would leave a gap behind it.
        whole.is_none_or(|whole| to.checked_add(1) == Some(whole)).then_some((from, whole))
    });
    parsed.ok_or_else(|| {
        PluginError::invalid_argument(format!(
            "{url} sends a part and calls it {:?}, which is not the one that was asked for; the \
             download has to begin anew",
            range.unwrap_or_default()
        ))
    })
}

fn refusal(url: &SourceUrl, status: StatusCode, headers: &HeaderMap) -> PluginError {
    let after = header(headers, &RETRY_AFTER)
        .and_then(|seconds| seconds.parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    let (kind, way_out) = match status.as_u16() {
        401 | 407 => (
            PluginErrorKind::Unauthenticated,
            "; give the credentials in the URL: https://user:password@host/path",
        ),
        403 => (PluginErrorKind::PermissionDenied, "; a signed link may have expired"),
        404 | 410 => (PluginErrorKind::NotFound, "; check the URL"),
        408 | 425 | 500 | 502 | 503 | 504 => (PluginErrorKind::Unavailable, ""),
        429 => (PluginErrorKind::RateLimited, ""),
        _ => (PluginErrorKind::InvalidArgument, "; this is no answer that has a file"),
    };
    let is_passing = matches!(kind, PluginErrorKind::Unavailable | PluginErrorKind::RateLimited);
    let retry = if is_passing { Retry::Later { after } } else { Retry::Never };
    PluginError::new(kind, format!("{url} answers {status}{way_out}")).retry(retry)
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned())
}
