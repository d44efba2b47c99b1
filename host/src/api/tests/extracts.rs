//! Links for download, over the wire.

use super::harness::TestServer;
use crate::model::{ExtractLink, Template};
use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Change, Filter, now_us};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use uuid::Uuid;

/// What came back, whatever bytes it is.
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends a request with some headers and a body, and reads to the end of the connection.
pub(super) fn ask(server: &TestServer, line: &str, headers: &[String], body: &[u8]) -> Got {
    let mut stream = server.connect();
    let mut sent = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for header in headers {
        sent.push_str(&format!("{header}\r\n"));
    }
    sent.push_str("\r\n");
    stream.write_all(sent.as_bytes()).unwrap();
    stream.write_all(body).ok();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head, body: bytes[at + 4..].to_vec() }
}

impl TestServer {
    /// The object that the job of a command ends with.
    #[track_caller]
    pub(super) fn job(&self, command: &str, params: &[(&str, &str)]) -> Value {
        let begun = self.call(command, params);
        assert_eq!(begun.status, 200, "{}", begun.body);
        let job: Uuid = begun.inner()["jobid"].as_str().unwrap().parse().unwrap();
        self.block_on(self.jobs().wait(job)).unwrap();
        let ended = self.call("queryAsyncJobResult", &[("jobid", &job.to_string())]).inner();
        assert_eq!(ended["jobstatus"], 1, "{ended}");
        ended["jobresult"].as_object().unwrap().values().next().unwrap().clone()
    }

    fn get_link(&self, path: &str, headers: &[&str]) -> Got {
        let headers: Vec<String> = headers.iter().map(|one| (*one).to_owned()).collect();
        ask(self, &format!("GET {path}"), &headers, b"")
    }
}

fn path_of(link: &Value) -> String {
    let url = link["url"].as_str().unwrap();
    url[url.find("/userdata/").unwrap()..].to_owned()
}

/// Bytes with a hole, of which no two pieces are the same.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|n| (n * 31 + n / 251) as u8).collect();
    if length > 400_000 {
        bytes[65_536..262_144].fill(0);
    }
    bytes
}

fn template(server: &TestServer, world: &World, bytes: &[u8]) -> String {
    server.block_on(async {
        world.image_store("i").await;
        world.template("disk.raw", bytes).await.to_string()
    })
}

#[test]
fn a_template_is_downloaded_byte_for_byte_and_in_parts() {
    let (server, world) = TestServer::with_storage();
    let disk = bytes(2 * MIB as usize + 4096);
    let id = template(&server, &world, &disk);
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    assert_eq!(link["state"], "DOWNLOAD_URL_CREATED");
    assert_eq!((&link["id"], &link["size"]), (&id.clone().into(), &disk.len().into()));
    let path = path_of(&link);

    let whole = server.get_link(&path, &[]);
    assert_eq!(whole.status, 200);
    assert!(whole.body == disk, "{} of {} bytes", whole.body.len(), disk.len());
    assert_eq!(whole.header("content-length"), Some(&*disk.len().to_string()));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let named = "attachment; filename=\"disk.raw\"; filename*=UTF-8''disk%2Eraw";
    assert_eq!(whole.header("content-disposition"), Some(named));
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&disk).to_hex());
    assert_eq!(link["checksum"], checksum);
    let tag = whole.header("etag").unwrap().to_owned();

    let part = server.get_link(&path, &["Range: bytes=1048570-1048580"]);
    assert_eq!((part.status, &part.body[..]), (206, &disk[1_048_570..=1_048_580]));
    let told = format!("bytes 1048570-1048580/{}", disk.len());
    assert_eq!(part.header("content-range"), Some(&*told));
    let rest = server.get_link(&path, &["Range: bytes=100-", &format!("If-Range: {tag}")]);
    assert!((rest.status, &rest.body[..]) == (206, &disk[100..]));
    let other = server.get_link(&path, &["Range: bytes=100-", "If-Range: \"other\""]);
    assert!((other.status, &other.body[..]) == (200, &disk[..]));
    let behind = server.get_link(&path, &[&format!("Range: bytes={}-", disk.len())]);
    assert_eq!((behind.status, behind.body.len()), (416, 0));
    assert_eq!(behind.header("content-range"), Some(&*format!("bytes */{}", disk.len())));

    let head = ask(&server, &format!("HEAD {path}"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(&*disk.len().to_string()));
    let post = ask(&server, &format!("POST {path}"), &[], b"");
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_link_that_does_not_work_is_nothing_whatever_the_reason() {
    let (server, world) = TestServer::with_storage();
    let id = template(&server, &world, &bytes(65_536));
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    let path = path_of(&link);
    let told = |got: Got| (got.status, String::from_utf8(got.body).unwrap());
    let never = told(server.get_link(&format!("/userdata/{}.raw", "0".repeat(64)), &[]));
    assert_eq!(never.0, 404);
    assert_eq!(server.get_link(&path, &[]).status, 200);

    // Its time is over.
    let expired = server.block_on(async {
        let mut links = world.rooms().repository.list::<ExtractLink>(&Filter::default()).await;
        links.as_mut().unwrap().remove(0)
    });
    let mut over = expired.clone();
    over.expires_us = now_us();
    server.change(vec![Change::update(&over)]);
    assert_eq!(told(server.get_link(&path, &[])).0, 404);
    let ended = server.block_on(world.orchestration.extracts.sweep(now_us())).unwrap();
    assert_eq!(ended, 1);
    let left = server.block_on(world.rooms().repository.list::<ExtractLink>(&Filter::default()));
    assert!(left.unwrap().is_empty());

    // What it leads to is gone.
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    let path = path_of(&link);
    assert_eq!(server.get_link(&path, &[]).status, 200);
    let uuid = id.parse().unwrap();
    server.block_on(async {
        world.done(world.orchestration.templates.delete(&request(), uuid).await).await
    });
    assert_eq!(told(server.get_link(&path, &[])).0, 404);
    let extracts = &world.orchestration.extracts;
    assert_eq!(server.block_on(extracts.sweep(now_us())).unwrap(), 1);
}

#[test]
fn a_download_that_runs_breaks_off_when_its_template_is_deleted() {
    let (server, world) = TestServer::with_storage();
    let id = template(&server, &world, &bytes(6 * MIB as usize));
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    let word = path_of(&link).replace("/userdata/", "").replace(".raw", "");
    let came = server.block_on(async {
        let extracts = world.orchestration.extracts.clone();
        let opened = extracts.open(&word).await.unwrap().unwrap();
        let (sender, mut pieces) = tokio::sync::mpsc::channel(1);
        let length = opened.length_bytes();
        let sent = tokio::spawn(async move { extracts.send(&opened, 0..length, sender).await });
        let mut came = pieces.recv().await.unwrap().len() as u64;
        let templates = &world.orchestration.templates;
        world.done(templates.delete(&request(), id.parse().unwrap()).await).await;
        while let Some(piece) = pieces.recv().await {
            came += piece.len() as u64;
        }
        sent.await.unwrap();
        came
    });
    assert!(came < 6 * MIB, "{came}");
}

#[test]
fn the_word_of_a_link_is_where_it_is_asked_for_and_nowhere_else() {
    let (server, world) = TestServer::with_storage();
    let id = template(&server, &world, &bytes(65_536));
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    let path = path_of(&link);
    let word = path.trim_start_matches("/userdata/").trim_end_matches(".raw").to_owned();
    assert_eq!(word.len(), 64);
    for command in ["listOperations", "listEvents", "listAsyncJobs"] {
        let answer = server.call(command, &[]);
        assert!(answer.status == 200 && !answer.body.contains(&word), "{command}");
    }
    let repository = &world.rooms().repository;
    let links = server.block_on(repository.list::<ExtractLink>(&Filter::default())).unwrap();
    assert!(links[0].token == word && !format!("{links:?}").contains(&word));
}

#[test]
fn a_volume_is_downloaded_while_its_instance_rests() {
    let (server, world) = TestServer::with_storage();
    let volume = server.block_on(async {
        let pool = world.pool("p").await;
        world.volume(pool, MIB).await
    });
    let path_on_pool = server.block_on(world.see(volume)).path.clone();
    world.provider.put(&path_on_pool, 70_000, b"in the middle");
    let mut disk = vec![0; MIB as usize];
    disk[70_000..70_013].copy_from_slice(b"in the middle");
    let id = volume.to_string();
    let link = server.job("extractVolume", &[("id", &id), ("mode", "http_download")]);
    let path = path_of(&link);
    let whole = server.get_link(&path, &[]);
    assert!((whole.status, &whole.body) == (200, &disk));
    let tag = whole.header("etag").unwrap().to_owned();

    // Somebody touched its record: a part of before may not be one of now.
    let touched = server.block_on(world.see(volume));
    server.change(vec![Change::update(&touched)]);
    let rest = server.get_link(&path, &["Range: bytes=5-", &format!("If-Range: {tag}")]);
    assert!((rest.status, rest.body.len()) == (200, disk.len()));
    assert_ne!(rest.header("etag"), Some(&*tag));

    // It grew: the link leads to all of it.
    let grown = [("id", &*id), ("sizebytes", &*(2 * MIB).to_string())];
    server.job("resizeVolume", &grown);
    let whole = server.get_link(&path, &[]);
    disk.resize(2 * MIB as usize, 0);
    assert!((whole.status, &whole.body) == (200, &disk), "{}", whole.head);

    let ftp = server.call("extractVolume", &[("id", &id), ("mode", "FTP_UPLOAD")]);
    assert!(ftp.status == 431 && ftp.body.contains("HTTP_DOWNLOAD"), "{}", ftp.body);
}

#[test]
fn a_snapshot_is_downloaded_from_where_it_is() {
    let (server, world) = TestServer::with_storage();
    let snapshot = server.block_on(async {
        let pool = world.pool("p").await;
        let volume = world.volume(pool, MIB).await;
        let path = world.see(volume).await.path.clone();
        world.provider.put(&path, 0, b"before");
        let begun = world.orchestration.snapshots.create(&request(), volume, None).await;
        let snapshot = world.done(begun).await.object;
        world.provider.put(&path, 0, b"behind");
        snapshot
    });
    let link = server.job("extractSnapshot", &[("id", &snapshot.to_string())]);
    assert_eq!(link["storagetype"], "primary");
    let got = server.get_link(&path_of(&link), &["Range: bytes=0-5"]);
    assert_eq!((got.status, &got.body[..]), (206, &b"before"[..]));
}

#[test]
fn the_link_of_a_driver_is_handed_out_and_ended() {
    let (server, world) = TestServer::with_storage();
    let id = template(&server, &world, &bytes(65_536));
    world.provider.can(|can| can.extract_url = true);
    let link = server.job("extractTemplate", &[("id", &id), ("mode", "HTTP_DOWNLOAD")]);
    assert_eq!(link["url"], format!("https://store.example/{id}?signature=s3cr3t"));
    for command in ["listOperations", "listEvents", "listAsyncJobs"] {
        assert!(!server.call(command, &[]).body.contains("s3cr3t"), "{command}");
    }
    let later = now_us() + 14_401 * 1_000_000;
    assert_eq!(server.block_on(world.orchestration.extracts.sweep(later)).unwrap(), 1);
    let unfinished = server.block_on(world.rooms().repository.unfinished_operations()).unwrap();
    for operation in unfinished {
        server.block_on(world.rooms().jobs.wait(operation.uuid)).unwrap();
    }
    assert_eq!(world.provider.calls("delete_entity_extract_url"), 1);
    assert_eq!(server.block_on(world.orchestration.extracts.sweep(later)).unwrap(), 0);
}

#[test]
fn a_template_that_may_not_be_handed_out_is_the_administrators_only() {
    let (server, world) = TestServer::with_storage();
    let id: Uuid = template(&server, &world, &bytes(65_536)).parse().unwrap();
    let found = server.block_on(world.rooms().repository.find::<Template>(id)).unwrap().unwrap();
    assert!(!found.is_extractable);
    let extracts = &world.orchestration.extracts;
    let mut user = request();
    user.caller.account = "somebody".to_owned();
    let refused = server.block_on(extracts.template(&user, id, None)).unwrap_err();
    assert!(refused.message.contains("may not be handed out"), "{refused}");
    server.block_on(async { world.done(extracts.template(&request(), id, None).await).await });
}
