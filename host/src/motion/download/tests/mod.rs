//! Downloads from a server that does everything that servers do.

mod files;
mod hops;
mod server;

use super::{
    Download, DownloadRequest, DownloadSettings, Downloader, SourceIdentity, SourcePolicy,
    SourceUrl,
};
use server::{Asked, Reply, Server, file, http};
use std::time::{Duration, Instant};
use storage_plugin_api::{CallContext, PluginError, PluginErrorKind, PluginResult, Retry};
use uuid::Uuid;

const MIB: usize = 1 << 20;
const ETAG: &str = "\"one\"";

/// Bytes of which no two mebibytes are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at ^ (at >> 8) ^ (at >> 17).wrapping_mul(29)) as u8).collect()
}

fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

/// Three attempts at once, a window that a test can wait for, this machine allowed.
fn settings() -> DownloadSettings {
    let policy = SourcePolicy::new(&["127.0.0.1".to_owned()], &[]).unwrap();
    let mut settings = DownloadSettings::new(policy);
    settings.attempts = 3;
    settings.pause = Duration::from_millis(1);
    settings.window = Duration::from_secs(20);
    settings
}

fn request(url: &str) -> DownloadRequest {
    DownloadRequest::new(SourceUrl::parse(url).unwrap(), 1 << 30)
}

async fn open(request: DownloadRequest) -> PluginResult<Download> {
    Downloader::new(settings()).open(&call(), request).await
}

async fn rest(download: &mut Download) -> PluginResult<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(bytes) = download.next(&call()).await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

async fn read(request: DownloadRequest) -> PluginResult<Vec<u8>> {
    rest(&mut open(request).await?).await
}

async fn refused(request: DownloadRequest) -> PluginError {
    read(request).await.unwrap_err()
}

fn known(length: usize, etag: &str) -> SourceIdentity {
    SourceIdentity { length: Some(length as u64), etag: Some(etag.to_owned()), last_modified: None }
}

#[tokio::test]
async fn a_source_comes_in_whole_mebibytes_and_says_what_it_is() {
    let bytes = content(5 * MIB / 2);
    let sent = bytes.clone();
    let server = Server::start(move |asked| file(asked, &sent, ETAG, usize::MAX)).await;
    let mut download = open(request(&server.url("/a?b"))).await.unwrap();
    assert_eq!(*download.identity(), known(bytes.len(), ETAG));
    let mut all = Vec::new();
    for length in [MIB, MIB, MIB / 2] {
        assert_eq!(download.offset(), all.len() as u64);
        let next = download.next(&call()).await.unwrap().unwrap();
        assert_eq!(next.len(), length);
        all.extend_from_slice(&next);
    }
    assert_eq!(download.next(&call()).await.unwrap(), None);
    assert!(all == bytes);
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "GET /a?b HTTP/1.1");
    assert_eq!(asked.header("host"), Some(server.address().to_string().as_str()));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_download_goes_on_where_its_connection_broke() {
    let bytes = content(3 * MIB);
    let sent = bytes.clone();
    // More often than there are attempts: each time there was progress.
    let server = Server::start(move |asked| file(asked, &sent, ETAG, MIB / 3)).await;
    assert!(read(request(&server.url("/"))).await.unwrap() == bytes);
    let asked = server.asked();
    assert_eq!(asked.len(), 10);
    assert!(asked[0].header("range").is_none());
    for asked in &asked[1..] {
        assert_eq!(asked.from(), asked.number * (MIB / 3));
        assert_eq!(asked.header("if-range"), Some(ETAG));
    }
}

#[tokio::test]
async fn a_server_without_ranges_sends_again_what_is_skipped() {
    let bytes = content(2 * MIB);
    let sent = bytes.clone();
    let server = Server::start(move |asked| {
        let headers = format!("Last-Modified: Mon\nContent-Length: {}", sent.len());
        let cut = if asked.number == 0 { MIB + 7 } else { sent.len() };
        Reply::Close(http("200 OK", &headers, &sent[..cut]))
    })
    .await;
    assert!(read(request(&server.url("/"))).await.unwrap() == bytes);
    assert_eq!(server.asked()[1].header("if-range"), Some("Mon"));
}

#[tokio::test]
async fn a_source_that_changed_meanwhile_is_never_mixed() {
    let whole = |tag: &str| {
        let tag = tag.to_owned();
        move |asked: &Asked| {
            let (bytes, tag) = match asked.number {
                0 => (content(MIB), ETAG.to_owned()),
                _ => (vec![7; MIB], tag.clone()),
            };
            file(asked, &bytes, &tag, MIB / 2)
        }
    };
    let server = Server::start(whole("\"two\"")).await;
    let changed = refused(request(&server.url("/"))).await;
    assert_eq!(changed.kind(), PluginErrorKind::Conflict);
    assert!(changed.message().contains("its ETag was \"one\" and is \"two\" now"), "{changed}");
    // A server that answers with the part of another version, whatever it was asked.
    for headers in [
        "ETag: \"two\"\nContent-Range: bytes 10-19/20\nContent-Length: 10",
        "ETag: \"one\"\nContent-Range: bytes 10-29/30\nContent-Length: 20",
        "ETag: \"one\"\nContent-Range: bytes 9-19/20\nContent-Length: 11",
        "ETag: \"one\"\nContent-Range: bytes 10-18/20\nContent-Length: 9",
        "ETag: \"one\"\nContent-Length: 10",
    ] {
        let server = Server::start(move |asked| match asked.number {
            0 => file(asked, &content(20), ETAG, 10),
            _ => Reply::Close(http("206 Partial Content", headers, &[7; 20])),
        })
        .await;
        let changed = refused(request(&server.url("/"))).await;
        let kinds = [PluginErrorKind::Conflict, PluginErrorKind::InvalidArgument];
        assert!(kinds.contains(&changed.kind()), "{headers}: {changed}");
        assert!(changed.message().contains("begin anew"), "{changed}");
    }
}

#[tokio::test]
async fn a_source_that_proves_nothing_is_not_read_on() {
    let server = Server::start(|_| {
        Reply::Close(http("200 OK", "ETag: W/\"weak\"\nContent-Length: 20", &[7; 10]))
    })
    .await;
    let unproven = refused(request(&server.url("/"))).await;
    assert_eq!(unproven.kind(), PluginErrorKind::Conflict);
    // Why it had to be read on at all is told as well.
    assert!(unproven.to_string().contains("broke off after 10 bytes"), "{unproven}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn another_download_goes_on_after_a_crash() {
    let bytes = content(2 * MIB);
    let sent = bytes.clone();
    let server = Server::start(move |asked| match asked.from() {
        from if from == sent.len() => {
            let headers = format!("Content-Range: bytes */{from}\nContent-Length: 0");
            Reply::Close(http("416 Range Not Satisfiable", &headers, b""))
        }
        _ => file(asked, &sent, ETAG, usize::MAX),
    })
    .await;
    let resume = |offset: usize, etag: &str| {
        let mut request = request(&server.url("/"));
        request.resume = Some((offset as u64, known(2 * MIB, etag)));
        request
    };
    let mut download = open(resume(MIB + 5, ETAG)).await.unwrap();
    assert_eq!(download.offset(), (MIB + 5) as u64);
    let next = download.next(&call()).await.unwrap().unwrap();
    assert_eq!(next.len(), MIB - 5);
    assert!(next == bytes[MIB + 5..]);
    // Everything was there already.
    assert_eq!(read(resume(2 * MIB, ETAG)).await.unwrap(), b"");
    let changed = refused(resume(MIB, "\"older\"")).await;
    assert_eq!(changed.kind(), PluginErrorKind::Conflict);
}

#[tokio::test]
async fn a_source_that_fails_is_given_up_after_so_many_attempts() {
    let server = Server::start(|_| {
        Reply::Close(http("503 Service Unavailable", "Retry-After: 0\nContent-Length: 0", b""))
    })
    .await;
    let failed = refused(request(&server.url("/"))).await;
    assert_eq!(failed.kind(), PluginErrorKind::Unavailable);
    assert_eq!(failed.retry_hint(), Retry::Exhausted);
    assert_eq!(server.asked().len(), 3);

    let server = Server::start(|asked| match asked.number {
        0 => Reply::Close(Vec::new()),
        1 => Reply::Close(http("429 Too Many Requests", "Content-Length: 0", b"")),
        _ => file(asked, b"there", ETAG, usize::MAX),
    })
    .await;
    assert_eq!(read(request(&server.url("/"))).await.unwrap(), b"there");
}

#[tokio::test]
async fn what_a_status_means_is_told_once() {
    for (status, kind) in [
        ("401 Unauthorized", PluginErrorKind::Unauthenticated),
        ("403 Forbidden", PluginErrorKind::PermissionDenied),
        ("404 Not Found", PluginErrorKind::NotFound),
        ("204 No Content", PluginErrorKind::InvalidArgument),
        ("418 I'm a teapot", PluginErrorKind::InvalidArgument),
    ] {
        let server =
            Server::start(move |_| Reply::Close(http(status, "Content-Length: 0", b""))).await;
        let failed = refused(request(&server.url("/secret-free?secret"))).await;
        assert_eq!(failed.kind(), kind, "{failed}");
        let line = failed.to_string();
        assert!(line.contains(status) && line.contains("/secret-free?…"), "{line}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_source_that_stands_still_is_left_after_the_window() {
    let server = Server::start(|asked| match asked.number {
        0 => Reply::Stall(http("200 OK", "ETag: \"one\"\nContent-Length: 20", &[7; 10])),
        _ => Reply::Stall(Vec::new()),
    })
    .await;
    let mut settings = settings();
    settings.window = Duration::from_millis(50);
    let downloader = Downloader::new(settings);
    let mut download = downloader.open(&call(), request(&server.url("/"))).await.unwrap();
    let stalled = rest(&mut download).await.unwrap_err();
    assert_eq!(stalled.kind(), PluginErrorKind::Timeout);
    assert_eq!(stalled.retry_hint(), Retry::Exhausted);
    assert_eq!(server.asked().len(), 3);
    assert_eq!(server.asked()[2].from(), 10);
}

#[tokio::test]
async fn a_cancelled_download_ends_within_a_second() {
    let server =
        Server::start(|_| Reply::Stall(http("200 OK", "Content-Length: 20", &[7; 10]))).await;
    let mut download = open(request(&server.url("/"))).await.unwrap();
    let call = call();
    let begun = Instant::now();
    let canceller = call.clone();
    let (ended, ()) = tokio::join!(download.next(&call), async move { canceller.cancel() });
    assert_eq!(ended.unwrap_err().kind(), PluginErrorKind::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn no_more_bytes_are_taken_than_wanted() {
    let mut limited = DownloadRequest::new(SourceUrl::parse("http://127.0.0.1/").unwrap(), 10);
    let server = Server::start(|asked| file(asked, &[7; 11], ETAG, 0)).await;
    limited.url = SourceUrl::parse(&server.url("/")).unwrap();
    let declared = refused(limited.clone()).await;
    assert_eq!(declared.kind(), PluginErrorKind::InvalidArgument);
    assert!(declared.message().contains("has 11 bytes"), "{declared}");
    // One that does not say how many, until they are too many.
    let chunks = |_: &Asked| {
        let body = b"8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n";
        Reply::Close(http("200 OK", "Transfer-Encoding: chunked", body))
    };
    let server = Server::start(chunks).await;
    limited.url = SourceUrl::parse(&server.url("/")).unwrap();
    let flowed = refused(limited.clone()).await;
    assert!(flowed.message().contains("has 16 bytes or more"), "{flowed}");
    limited.max_bytes = 16;
    assert_eq!(read(limited).await.unwrap(), b"1234567812345678");
}

#[tokio::test]
async fn a_source_that_is_cut_off_is_an_error() {
    // It promises twenty bytes and has ten, whatever it is asked.
    let server = Server::start(|asked| match asked.from() {
        0 => Reply::Close(http("200 OK", "ETag: \"one\"\nContent-Length: 20", &[7; 10])),
        _ => Reply::Close(http("416 Range Not Satisfiable", "Content-Length: 0", b"")),
    })
    .await;
    let cut = refused(request(&server.url("/"))).await;
    assert_eq!(cut.kind(), PluginErrorKind::Corrupt);
    assert!(cut.message().contains("said that it has 20 bytes"), "{cut}");
    // One whose end could not be told from a broken connection.
    let server = Server::start(|_| Reply::Close(http("200 OK", "", b"all?"))).await;
    let unclear = refused(request(&server.url("/"))).await;
    assert_eq!(unclear.kind(), PluginErrorKind::InvalidArgument);
    // One whose coding has no end of its own, or hides the bytes.
    for coding in ["gzip", "chunked, gzip", "gzip, chunked"] {
        let headers = format!("Transfer-Encoding: {coding}");
        let server = Server::start(move |_| {
            Reply::Close(http("200 OK", &headers, b"4\r\nall?\r\n0\r\n\r\n"))
        })
        .await;
        let unclear = refused(request(&server.url("/"))).await;
        assert_eq!(unclear.kind(), PluginErrorKind::InvalidArgument, "{coding}: {unclear}");
    }
    // The rest of nobody knows how much.
    let server = Server::start(|asked| match asked.from() {
        0 => {
            let headers = "ETag: \"one\"\nTransfer-Encoding: chunked";
            Reply::Close(http("200 OK", headers, b"8\r\n12345678\r\n"))
        }
        from => {
            let headers =
                format!("ETag: \"one\"\nContent-Range: bytes {from}-9/*\nContent-Length: 2");
            Reply::Close(http("206 Partial Content", &headers, b"90"))
        }
    })
    .await;
    let unclear = refused(request(&server.url("/"))).await;
    assert_eq!(unclear.kind(), PluginErrorKind::Conflict, "{unclear}");
    assert!(unclear.message().contains("of how many bytes"), "{unclear}");
    // Chunks without their end are no end.
    let chunks = |_: &Asked| {
        Reply::Close(http("200 OK", "Transfer-Encoding: chunked", b"8\r\n12345678\r\n"))
    };
    let server = Server::start(chunks).await;
    let cut = refused(request(&server.url("/"))).await;
    assert_eq!(cut.kind(), PluginErrorKind::Conflict);
}

#[tokio::test]
async fn an_encoded_body_is_kept_as_it_is() {
    let server = Server::start(|_| {
        Reply::Close(http("200 OK", "Content-Encoding: gzip\nContent-Length: 3", b"\x1f\x8b\x08"))
    })
    .await;
    assert_eq!(read(request(&server.url("/"))).await.unwrap(), b"\x1f\x8b\x08");
}
