//! Uploads of templates and ISOs, over the wire.

use super::extracts::{Got, ask, bytes};
use super::harness::TestServer;
use crate::model::{ObjectInStore, Template, Upload};
use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Filter, now_us};
use serde_json::Value;
use std::io::Write as _;
use uuid::Uuid;

/// An offer, as its owner knows it.
struct Offer {
    id: Uuid,
    path: String,
    signed: Vec<String>,
}

impl Offer {
    #[track_caller]
    fn of(server: &TestServer, more: &[(&str, &str)]) -> Self {
        let zone = server.call("listZones", &[]).inner()["zone"][0]["id"].clone();
        let mut given = vec![("name", "mine"), ("zoneid", zone.as_str().unwrap())];
        if more.iter().all(|(name, _)| *name != "format") {
            given.push(("format", "RAW"));
        }
        given.extend_from_slice(more);
        let answer = server.call("getUploadParamsForTemplate", &given);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let offer = answer.inner()["getuploadparams"].clone();
        let text = |key: &str| offer[key].as_str().unwrap().to_owned();
        let url = text("postURL");
        Self {
            id: text("id").parse().unwrap(),
            path: url[url.find("/upload/").unwrap()..].to_owned(),
            signed: vec![
                format!("X-Metadata: {}", text("metadata")),
                format!("X-Expires: {}", text("expires")),
                format!("X-Signature: {}", text("signature")),
            ],
        }
    }

    fn ask(&self, server: &TestServer, method: &str, more: &[String], body: &[u8]) -> Got {
        let headers = [&self.signed[..], more].concat();
        ask(server, &format!("{method} {}", self.path), &headers, body)
    }

    /// Sends a part of a file of so many bytes.
    fn put(&self, server: &TestServer, from: usize, part: &[u8], total: usize) -> Got {
        let range = format!("Content-Range: bytes {from}-{}/{total}", from + part.len() - 1);
        let length = format!("Content-Length: {}", part.len());
        self.ask(server, "PUT", &[range, length], part)
    }

    /// Where to go on.
    #[track_caller]
    fn offset(&self, server: &TestServer) -> usize {
        let head = self.ask(server, "HEAD", &[], b"");
        assert_eq!(head.status, 200);
        head.header("upload-offset").unwrap().parse().unwrap()
    }

    /// Sends the beginning of a file and hangs up.
    fn break_off(&self, server: &TestServer, part: &[u8], total: usize) {
        let mut stream = server.connect();
        let head = format!(
            "PUT {} HTTP/1.1\r\nHost: x\r\n{}\r\nContent-Length: {total}\r\n\r\n",
            self.path,
            self.signed.join("\r\n")
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(part).unwrap();
        // Nothing was answered yet, so it reads no end: it is gone.
        drop(stream);
    }

    /// The place of the template, after everything that runs.
    fn place(&self, server: &TestServer, world: &World) -> ObjectInStore {
        wait_for_all(server, world);
        let filter = Filter { name: Some(self.id.to_string()), ..Filter::default() };
        let repository = &world.rooms().repository;
        let mut places = server.block_on(repository.list::<ObjectInStore>(&filter)).unwrap();
        places.remove(0).record
    }

    fn status(&self, server: &TestServer) -> Value {
        let id = self.id.to_string();
        let listed = server.call("listTemplates", &[("id", &id), ("templatefilter", "all")]);
        listed.inner()["template"][0].clone()
    }
}

fn wait_for_all(server: &TestServer, world: &World) {
    let rooms = world.rooms();
    for operation in server.block_on(rooms.repository.unfinished_operations()).unwrap() {
        server.block_on(rooms.jobs.wait(operation.uuid)).unwrap();
    }
}

fn with_store() -> (TestServer, World) {
    let (server, world) = TestServer::with_storage();
    server.block_on(world.image_store("i"));
    (server, world)
}

/// The job that an upload's answer names, ended.
#[track_caller]
fn job(server: &TestServer, got: &Got) -> Value {
    assert_eq!(got.status, 201, "{}", String::from_utf8_lossy(&got.body));
    let told: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(told["complete"], true);
    let job: Uuid = told["jobid"].as_str().unwrap().parse().unwrap();
    server.block_on(server.jobs().wait(job)).unwrap();
    server.call("queryAsyncJobResult", &[("jobid", &job.to_string())]).inner()
}

/// The bytes of a template, as they are downloaded.
fn downloaded(server: &TestServer, id: Uuid) -> Vec<u8> {
    let link = server.job("extractTemplate", &[("id", &id.to_string())]);
    let url = link["url"].as_str().unwrap();
    let path = &url[url.find("/userdata/").unwrap()..];
    ask(server, &format!("GET {path}"), &[], b"").body
}

#[test]
fn what_is_uploaded_is_what_is_downloaded() {
    let (server, _world) = with_store();
    let disk = bytes(2 * MIB as usize + 4096);
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&disk).to_hex());
    let offer = Offer::of(&server, &[("checksum", &checksum)]);
    assert_eq!(
        (offer.status(&server)["isready"].clone(), offer.offset(&server)),
        (false.into(), 0)
    );
    let length = format!("Content-Length: {}", disk.len());
    let got = offer.ask(&server, "PUT", &[length], &disk);
    let ended = job(&server, &got);
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert_eq!(ended["jobresult"]["template"]["isready"], true);
    assert_eq!(ended["jobresult"]["template"]["size"], disk.len());
    assert!(downloaded(&server, offer.id) == disk);
    // The offer was taken.
    assert_eq!(offer.ask(&server, "HEAD", &[], b"").status, 404);
}

#[test]
fn an_upload_that_broke_off_goes_on_where_it_was() {
    let (server, world) = with_store();
    let disk = bytes(3 * MIB as usize + 4096);
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&disk).to_hex());
    let offer = Offer::of(&server, &[("checksum", &checksum)]);
    offer.break_off(&server, &disk[..2 * MIB as usize + 100], disk.len());
    // The host sees the end of the connection in its own time.
    let at = eventually(|| {
        wait_for_all(&server, &world);
        Some(offer.offset(&server)).filter(|offset| *offset > 0)
    });
    assert!(at <= 2 * MIB as usize + 100, "{at}");
    // A part that leaves something out is not taken; the answer tells where to go on.
    let gap = offer.put(&server, at + 10, &disk[at + 10..at + 20], disk.len());
    assert_eq!((gap.status, gap.header("upload-offset")), (409, Some(&*at.to_string())));
    // One that overlaps is.
    let got = offer.put(&server, at - 10, &disk[at - 10..], disk.len());
    let ended = job(&server, &got);
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert!(downloaded(&server, offer.id) == disk);
}

/// Waits for something that comes by itself.
fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn another_file_than_its_checksum_is_refused_and_the_right_one_taken() {
    let (server, world) = with_store();
    let disk = bytes(MIB as usize);
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&disk).to_hex());
    let offer = Offer::of(&server, &[("checksum", &checksum)]);
    let mut other = disk.clone();
    other[1000] ^= 1;
    let length = format!("Content-Length: {}", disk.len());
    let got = offer.ask(&server, "PUT", std::slice::from_ref(&length), &other);
    let told = String::from_utf8(got.body).unwrap();
    assert!(got.status == 400 && told.contains("checksum"), "{} {told}", got.status);
    assert!(offer.place(&server, &world).path.is_empty() && world.provider.paths().is_empty());
    assert!(offer.status(&server)["status"].as_str().unwrap().contains("checksum"));
    let ended = job(&server, &offer.ask(&server, "PUT", &[length], &disk));
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert!(downloaded(&server, offer.id) == disk);
}

#[test]
fn rubbish_is_refused_with_the_reason_and_leaves_nothing() {
    let (server, world) = with_store();
    let offer = Offer::of(&server, &[("format", "QCOW2")]);
    let page = b"<!DOCTYPE html><p>no such file</p>";
    let got = offer.ask(&server, "PUT", &[format!("Content-Length: {}", page.len())], page);
    let ended = job(&server, &got);
    assert_eq!(ended["jobstatus"], 2, "{ended}");
    assert!(ended["jobresult"]["errortext"].as_str().unwrap().contains("web page"), "{ended}");
    assert!(world.provider.paths().is_empty());
    assert!(offer.status(&server)["status"].as_str().unwrap().contains("web page"));
}

#[test]
fn a_file_is_sent_in_parts_of_the_clients_own() {
    let (server, _world) = with_store();
    let disk = bytes(5 * MIB as usize + 4096);
    let offer = Offer::of(&server, &[]);
    let (mut at, mut parts) = (0, 0);
    let last = loop {
        let end = (at + 2 * MIB as usize + 5).min(disk.len());
        let got = offer.put(&server, at, &disk[at..end], disk.len());
        parts += 1;
        if got.status != 202 {
            break got;
        }
        let next: usize = got.header("upload-offset").unwrap().parse().unwrap();
        assert!(next > at && next <= end && next == offer.offset(&server), "{at} {next} {end}");
        at = next;
    };
    let ended = job(&server, &last);
    assert_eq!((&ended["jobstatus"], parts > 2), (&1.into(), true), "{ended}");
    assert!(downloaded(&server, offer.id) == disk);
}

#[test]
fn a_packed_file_is_unpacked_on_its_way() {
    let (server, _world) = with_store();
    let disk = bytes(2 * MIB as usize);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&disk).unwrap();
    let packed = packer.finish().unwrap();
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&packed).to_hex());
    let offer = Offer::of(&server, &[("checksum", &checksum)]);
    let length = format!("Content-Length: {}", packed.len());
    let ended = job(&server, &offer.ask(&server, "PUT", &[length], &packed));
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert!(downloaded(&server, offer.id) == disk);
}

#[test]
fn a_browser_sends_a_form() {
    let (server, _world) = with_store();
    let disk = bytes(MIB as usize + 4096);
    let offer = Offer::of(&server, &[]);
    let mut form =
        b"--xYz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n".to_vec();
    form.extend_from_slice(
        b"--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.raw\"\r\n\
          Content-Type: application/octet-stream\r\n\r\n",
    );
    form.extend_from_slice(&disk);
    form.extend_from_slice(b"\r\n--xYz--\r\n");
    let headers = [
        "Content-Type: multipart/form-data; boundary=xYz".to_owned(),
        format!("Content-Length: {}", form.len()),
    ];
    let ended = job(&server, &offer.ask(&server, "POST", &headers, &form));
    assert_eq!(ended["jobstatus"], 1, "{ended}");
    assert!(downloaded(&server, offer.id) == disk);
}

#[test]
fn who_has_not_signed_finds_nothing() {
    let (server, world) = with_store();
    let offer = Offer::of(&server, &[]);
    let unsigned = ask(&server, &format!("HEAD {}", offer.path), &[], b"");
    assert_eq!(unsigned.status, 404);
    let mut forged = offer.signed.clone();
    forged[1] = "X-Expires: 2999-01-01T00:00:00+0000".to_owned();
    assert_eq!(ask(&server, &format!("HEAD {}", offer.path), &forged, b"").status, 404);
    let repository = &world.rooms().repository;
    let uploads = server.block_on(repository.list::<Upload>(&Filter::default())).unwrap();
    let key = &uploads[0].key;
    for command in ["listOperations", "listEvents", "listTemplates"] {
        let answer = server.call(command, &[("templatefilter", "all")]);
        assert!(answer.status == 200 && !answer.body.contains(key), "{command}");
    }
}

#[test]
fn an_offer_that_nobody_took_ends_and_leaves_nothing() {
    let (server, world) = with_store();
    let disk = bytes(3 * MIB as usize);
    let offer = Offer::of(&server, &[]);
    offer.break_off(&server, &disk[..2 * MIB as usize], disk.len());
    eventually(|| {
        wait_for_all(&server, &world);
        Some(offer.offset(&server)).filter(|offset| *offset > 0)
    });
    assert!(!world.provider.paths().is_empty());
    let uploads = &world.orchestration.uploads;
    assert_eq!(server.block_on(uploads.sweep(now_us())).unwrap(), 0);
    let later = now_us() + 25 * 3_600 * 1_000_000;
    assert_eq!(server.block_on(uploads.sweep(later)).unwrap(), 1);
    wait_for_all(&server, &world);
    assert!(world.provider.paths().is_empty());
    assert_eq!(offer.ask(&server, "HEAD", &[], b"").status, 404);
    let repository = &world.rooms().repository;
    let found = server.block_on(repository.find::<Template>(offer.id)).unwrap().unwrap();
    assert_eq!(found.state.as_str(), "UploadAbandoned");
    server.block_on(async {
        world.done(world.orchestration.templates.delete(&request(), offer.id).await).await
    });
}

#[test]
fn a_template_that_waits_for_its_bytes_can_be_deleted() {
    let (server, world) = with_store();
    let offer = Offer::of(&server, &[]);
    server.block_on(async {
        world.done(world.orchestration.templates.delete(&request(), offer.id).await).await
    });
    server.block_on(world.orchestration.uploads.sweep(now_us())).unwrap();
    assert_eq!(offer.ask(&server, "HEAD", &[], b"").status, 404);
    let claims = server.block_on(world.rooms().repository.list_claims()).unwrap();
    assert!(claims.iter().all(|claim| !claim.name.starts_with("copy:")), "{claims:?}");
}
