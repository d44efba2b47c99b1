//! The table of calls against a real server, which `tests/object-stores` has started and names in
//! the environment. What a server cannot do is said, and that it says so is what is tested then.

use super::*;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::tokio::{self, task::JoinSet};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{PluginError, PluginErrorKind as Kind, PluginResult, Secret};

const MIB: u64 = 1 << 20;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/object-stores"))
}

/// What a server cannot do, for the report.
fn missing(what: &str) {
    // Nobody listens if this fails.
    writeln!(std::io::stderr(), "missing on {}: {what}", variable("S3_SERVER")).ok();
}

fn connection(bucket: &str) -> Connection {
    let endpoint = Endpoint::parse(&variable("S3_ENDPOINT"), None).unwrap();
    let (key, secret) = (variable("S3_ACCESS_KEY"), variable("S3_SECRET_KEY"));
    Connection::new(endpoint, bucket, &key, Secret::new(secret))
}

/// A new bucket, of which a test removes what it put there.
async fn bucket() -> Bucket {
    let bucket = Bucket::new(connection(&format!("t-{}", Uuid::new_v4().simple()))).unwrap();
    bucket.create_bucket().await.unwrap();
    bucket
}

async fn clear(bucket: &Bucket) {
    for one in bucket.list_all("").await.unwrap() {
        bucket.delete(&one.key).await.unwrap();
    }
    assert_eq!(bucket.unfinished("").await.unwrap().unwrap_or_default(), []);
    bucket.delete_bucket().await.unwrap();
}

fn payload(bytes: impl Into<Bytes>) -> Payload {
    Payload::new(vec![bytes.into()], true, PartChecksum::Md5)
}

fn noise(length: u64) -> Bytes {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

async fn put(bucket: &Bucket, key: &str, bytes: impl Into<Bytes>) -> PluginResult<String> {
    bucket.put(key, payload(bytes), PutOptions::default()).await
}

async fn read(bucket: &Bucket, key: &str, piece: u64) -> PluginResult<Vec<u8>> {
    let object = bucket.head(key).await?.expect("it is there");
    let pin = Pin { tag: object.tag, size: object.size };
    let mut download = Download::new(bucket.clone(), key, pin, 0..u64::MAX, piece, 3);
    let mut all = Vec::new();
    while let Some(bytes) = download.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

#[track_caller]
fn refused<T>(answer: PluginResult<T>, kind: Kind, words: &[&str]) -> PluginError {
    let error = answer.err().expect("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
    error
}

/// A request without any signature but that of its URL; status and body.
fn http(method: &str, url: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut connection = TcpStream::connect(host).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[9..12]).parse().unwrap();
    (status, answer.split_off(end + 4))
}

#[tokio::test]
async fn buckets_are_made_listed_and_removed_when_they_are_empty() {
    let bucket = bucket().await;
    let name = bucket.connection().bucket.clone();
    assert!(bucket.list_buckets().await.unwrap().contains(&name));
    put(&bucket, "a", "b").await.unwrap();
    refused(bucket.delete_bucket().await, Kind::InUse, &["not empty", &name, "\"a\""]);
    assert!(bucket.head("a").await.unwrap().is_some(), "the object went with a refusal");
    clear(&bucket).await;
    assert!(!bucket.list_buckets().await.unwrap().contains(&name));
    refused(bucket.list("", "", 1).await, Kind::NotFound, &[&name, "correct bucket"]);
}

#[tokio::test]
async fn objects_come_back_with_what_was_put_with_them() {
    let bucket = bucket().await;
    let metadata = HashMap::from([("kind".to_owned(), "a test".to_owned())]);
    let with = PutOptions { metadata: metadata.clone(), ..PutOptions::default() };
    let key = "a folder/with \"odd\" & names+/ü";
    let bytes = noise(100_000);
    let tag = bucket.put(key, payload(bytes.clone()), with).await.unwrap();
    let head = bucket.head(key).await.unwrap().unwrap();
    assert_eq!((head.size, head.tag, head.metadata), (100_000, tag, metadata));
    assert_eq!(bucket.get_small(key, 1 << 20).await.unwrap(), Some(bytes.clone()));
    refused(bucket.get_small(key, 10).await, Kind::Corrupt, &["more than 10 bytes"]);
    assert_eq!(read(&bucket, key, 10_007).await.unwrap(), bytes);

    // From a file and to a file, in parts.
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    let large = noise(17 * MIB + 5);
    std::fs::write(&from, &large).unwrap();
    let mut plan = UploadPlan::new("large", large.len() as u64);
    plan.part_bytes = 8 * MIB;
    assert_eq!(bucket.put_file(&from, plan).await.unwrap(), large.len() as u64);
    assert_eq!(bucket.get_to_file("large", &to).await.unwrap().size, large.len() as u64);
    assert!(std::fs::read(&to).unwrap() == large, "the file has other bytes");

    // Nothing of nothing, and what is gone is gone.
    put(&bucket, "empty", "").await.unwrap();
    assert_eq!(read(&bucket, "empty", 10).await.unwrap(), b"");
    assert_eq!(bucket.head("nowhere").await.unwrap(), None);
    bucket.delete("nowhere").await.unwrap();
    clear(&bucket).await;
}

#[tokio::test]
async fn a_listing_has_every_page_and_keeps_to_its_prefix() {
    const MANY: usize = 1003;
    let bucket = bucket().await;
    let mut running = JoinSet::new();
    for number in 0..MANY {
        let bucket = bucket.clone();
        running.spawn(async move { put(&bucket, &format!("in/{number:05}"), "x").await });
        if running.len() >= 16 {
            running.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(done) = running.join_next().await {
        done.unwrap().unwrap();
    }
    // A server over a directory cannot take it: its folder is there.
    put(&bucket, "in", "x").await.ok();
    put(&bucket, "other", "x").await.unwrap();
    let listed = bucket.list_all("in/").await.unwrap();
    let expected: Vec<_> = (0..MANY).map(|number| format!("in/{number:05}")).collect();
    let keys: Vec<_> = listed.iter().map(|one| one.key.clone()).collect();
    assert_eq!(keys, expected);
    let page = bucket.list("in/", "in/00003", 2).await.unwrap();
    let keys: Vec<_> = page.objects.iter().map(|one| one.key.as_str()).collect();
    assert_eq!((keys, page.is_more), (vec!["in/00004", "in/00005"], true));
    let page = bucket.list("in/", "in/01000", 100).await.unwrap();
    assert_eq!((page.objects.len(), page.is_more), (2, false));
    clear(&bucket).await;
}

#[tokio::test]
async fn links_work_without_keys_until_they_expire() {
    let bucket = bucket().await;
    let minute = Duration::from_secs(60);
    for signer in [Signer::V4, Signer::V2] {
        let mut connection = bucket.connection().clone();
        connection.signer = signer;
        let signing = Bucket::new(connection.clone()).unwrap();
        let link = signing.presign(Method::Put, "a/b c", minute, None).await.unwrap();
        assert_eq!(http("PUT", &link, b"by a link").0, 200, "{signer:?}");
        let link = signing.presign(Method::Get, "a/b c", minute, Some("a b.raw")).await.unwrap();
        assert_eq!(http("GET", &link, b""), (200, b"by a link".to_vec()), "{signer:?}");
        let other = link.replace("/a/", "/x/");
        assert_eq!(http("GET", &other, b"").0, 403, "{signer:?}: a link to another object");
        // Of an hour ago.
        connection.clock_offset_secs = -3600;
        let late = Bucket::new(connection).unwrap();
        let link = late.presign(Method::Get, "a/b c", minute, None).await.unwrap();
        assert_eq!(http("GET", &link, b"").0, 403, "{signer:?}: a link that has expired");
        assert!(!link.contains(&variable("S3_SECRET_KEY")));
    }
    let week = Duration::from_secs(7 * 24 * 3600 + 1);
    refused(bucket.presign(Method::Get, "a", week, None).await, Kind::InvalidArgument, &["7 days"]);
    clear(&bucket).await;
}

#[tokio::test]
async fn an_acl_opens_an_object_to_all() {
    let bucket = bucket().await;
    put(&bucket, "open", "to all").await.unwrap();
    let url = format!("{}/{}/open", bucket.connection().endpoint, bucket.connection().bucket);
    assert_eq!(http("GET", &url, b"").0, 403);
    refused(bucket.set_acl("open", "all").await, Kind::InvalidArgument, &["public-read"]);
    match bucket.set_acl("open", "public-read").await {
        Ok(()) => {
            assert_eq!(http("GET", &url, b""), (200, b"to all".to_vec()));
            bucket.set_acl("open", "private").await.unwrap();
            assert_eq!(http("GET", &url, b"").0, 403);
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Unsupported, "{error}");
            missing("setObjectAcl");
        }
    }
    clear(&bucket).await;
}

#[tokio::test]
async fn signatures_of_version_2_do_everything_as_well() {
    let bucket = bucket().await;
    let mut connection = bucket.connection().clone();
    (connection.signer, connection.payload_signing) = (Signer::V2, false);
    let old = Bucket::new(connection.clone()).unwrap();
    let bytes = noise(9 * MIB);
    let mut plan = UploadPlan::new("a folder/ü", bytes.len() as u64);
    plan.part_bytes = 8 * MIB;
    let mut upload = Upload::begin(old.clone(), plan).await.unwrap();
    upload.write(bytes.clone()).await.unwrap();
    upload.finish().await.unwrap();
    assert!(read(&old, "a folder/ü", MIB).await.unwrap() == bytes);
    assert_eq!(old.list_all("a").await.unwrap().len(), 1);
    connection.secret_key = Secret::new("wrong");
    let wrong = Bucket::new(connection).unwrap();
    let refusal = wrong.list("", "", 1).await;
    refused(refusal, Kind::Unauthenticated, &["secretkey"]);
    clear(&bucket).await;
}

#[tokio::test]
async fn an_upload_is_watched_broken_off_gone_on_with_and_thrown_away() {
    let bucket = bucket().await;
    let part = 8 * MIB;
    let bytes = noise(4 * part + 77);
    let mut plan = UploadPlan::new("object", bytes.len() as u64);
    (plan.part_bytes, plan.in_flight) = (part, 1);
    let mut first = Upload::begin(bucket.clone(), plan.clone()).await.unwrap();
    first.write(bytes.slice(..3 * part as usize)).await.unwrap();
    // With one part in flight two have arrived when the third is on its way.
    let going = first.going().await.unwrap().expect("parts have arrived");
    assert!(going.parts >= 1 && first.sent_bytes() >= u64::from(going.parts) * part);
    assert_eq!(bucket.head("object").await.unwrap(), None);
    drop(first);

    let mut second = Upload::resume(bucket.clone(), plan.clone(), &going).await.unwrap().unwrap();
    assert_eq!(second.offset(), u64::from(going.parts) * part);
    let rest = bytes.slice(second.offset() as usize..);
    second.write(rest).await.unwrap();
    let finished = second.finish().await.unwrap();
    let digest = format!("{{BLAKE3}}{}", blake3::hash(&bytes).to_hex());
    assert_eq!((finished.size, finished.digest.to_string()), (bytes.len() as u64, digest));
    assert!(read(&bucket, "object", 3 * MIB).await.unwrap() == bytes);
    // Finished, it is not there to be gone on with.
    match Upload::resume(bucket.clone(), plan.clone(), &going).await {
        Ok(again) => assert!(again.is_none()),
        Err(error) => assert_eq!(error.kind(), Kind::PermissionDenied, "{error}"),
    }

    // Thrown away, nothing is left of it, and what was there stays.
    let mut third = Upload::begin(bucket.clone(), plan.clone()).await.unwrap();
    third.write(noise(part + 1)).await.unwrap();
    third.abort().await.unwrap();
    assert!(bucket.head("object").await.unwrap().is_some());
    match bucket.unfinished("").await.unwrap() {
        Some(left) => assert_eq!(left, []),
        None => missing("listMultipartUploads"),
    }
    // More or fewer bytes than were announced are none of an object.
    let mut short = Upload::begin(bucket.clone(), plan).await.unwrap();
    let more = short.write(noise(bytes.len() as u64 + 1)).await;
    refused(more, Kind::InvalidArgument, &["more than"]);
    refused(short.prepare().await, Kind::InvalidArgument, &["were announced"]);
    short.abort().await.unwrap();
    clear(&bucket).await;
}

#[tokio::test]
async fn an_object_that_is_swapped_while_it_is_read_is_an_error() {
    let bucket = bucket().await;
    put(&bucket, "object", noise(MIB)).await.unwrap();
    let head = bucket.head("object").await.unwrap().unwrap();
    let pin = Pin { tag: head.tag, size: head.size };
    put(&bucket, "object", vec![7; MIB as usize]).await.unwrap();
    let mut download = Download::new(bucket.clone(), "object", pin, 0..MIB, 1 << 18, 2);
    refused(download.next().await, Kind::Conflict, &["replaced"]);
    clear(&bucket).await;
}

#[tokio::test]
async fn altered_bytes_are_refused_where_the_server_compares() {
    let bucket = bucket().await;
    match bucket.compares_crc64("probe").await.unwrap() {
        true => {}
        false => missing("CRC-64/NVME of parts"),
    }
    // A hash that is signed, and is that of other bytes.
    let right = payload("right");
    let mut wrong = payload("wrong");
    wrong.md5 = right.md5;
    let put = bucket.put("object", wrong, PutOptions::default()).await;
    refused(put, Kind::Corrupt, &["other bytes"]);
    let with = || PutOptions { only_new: true, ..PutOptions::default() };
    bucket.put("new", payload("1"), with()).await.unwrap();
    match bucket.put("new", payload("2"), with()).await {
        Ok(_) => missing("If-None-Match"),
        Err(error) => assert_eq!(error.kind(), Kind::Conflict, "{error}"),
    }
    for one in bucket.list_all("").await.unwrap() {
        bucket.delete(&one.key).await.unwrap();
    }
    bucket.delete_bucket().await.unwrap();
}

#[tokio::test]
async fn each_mistake_is_told_apart() {
    let bucket = bucket().await;
    let at = bucket.connection().clone();
    let ask = |change: &dyn Fn(&mut Connection)| {
        let mut at = at.clone();
        at.max_error_retry = 0;
        at.connection_timeout = Duration::from_secs(2);
        change(&mut at);
        let bucket = Bucket::new(at);
        async move { bucket?.list("", "", 1).await }
    };
    let canary = "canary-of-a-secret";
    let wrong = ask(&|at| at.access_key = "nobody".to_owned()).await.unwrap_err();
    if wrong.kind() == Kind::Unauthenticated {
        assert!(wrong.to_string().contains("\"nobody\""), "{wrong}");
    } else {
        assert_eq!(wrong.kind(), Kind::PermissionDenied, "{wrong}");
        assert!(wrong.to_string().contains("\"nobody\""), "{wrong}");
        missing("InvalidAccessKeyId");
    }
    let wrong = ask(&|at| at.secret_key = Secret::new(canary)).await;
    let error = refused(wrong, Kind::Unauthenticated, &["correct secretkey", &at.access_key]);
    assert!(!format!("{error:?}").contains(canary));
    let wrong = ask(&|at| at.bucket = "not-there".to_owned()).await;
    refused(wrong, Kind::NotFound, &["\"not-there\"", "correct bucket"]);
    let to = |text: &str| Endpoint::parse(text, None).unwrap();
    // A port on which nothing listens: it was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = ask(&|at| at.endpoint = to(&format!("http://{free}"))).await;
    refused(wrong, Kind::Unavailable, &["nothing listens there", &free.to_string()]);
    let wrong = ask(&|at| at.endpoint = to("http://no-such-host.invalid")).await;
    refused(wrong, Kind::Unavailable, &["no-such-host.invalid", "nobody knows the name"]);
    let host = at.endpoint.host.clone();
    let wrong = ask(&|at| at.endpoint = to(&format!("https://{host}"))).await;
    refused(wrong, Kind::InvalidConfig, &["speaks no TLS", "usehttps=false"]);
    let skewed = ask(&|at| {
        at.clock_correction = false;
        at.clock_offset_secs = 3600;
    });
    match skewed.await {
        Err(error) => {
            assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
            assert!(error.to_string().contains("clock"), "{error}");
        }
        Ok(_) => missing("RequestTimeTooSkewed"),
    }
    let there = bucket.with_endpoint(to(&variable("S3_ENDPOINT"))).unwrap();
    assert!(there.list("", "", 1).await.is_ok());
    clear(&bucket).await;
}
