//! The whole way on the real host: a template straight into a bucket, a volume from it on a pool, a
//! snapshot backed up to the bucket, both extracted by links of the server's own.

use crate::servers::{ACCESS_KEY, SECRET_KEY, Server};
use libtest_mimic::Failed;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use tests::{Host, Installation, OrFail, Provider, Row, Source, eventually, expect, text};

const MIB: usize = 1 << 20;

fn disk() -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..40 * MIB).map(|at| (at / 7 + at / 4096) as u8).collect();
    bytes[20 * MIB..30 * MIB].fill(0);
    bytes
}

/// What is behind a link.
fn get(url: &str) -> Vec<u8> {
    let rest = url.strip_prefix("http://").or_fail("a link of HTTP");
    let (host, path) = rest.split_once('/').or_fail("a path");
    let mut connection = TcpStream::connect(host).or_fail("connect to the server");
    let head = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).or_fail("ask");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).or_fail("read");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").or_fail("an answer") + 4;
    let status = String::from_utf8_lossy(&answer[..end]).into_owned();
    status.contains(" 200 ").then_some(()).or_fail(&status);
    answer.split_off(end)
}

fn link(host: &Host, command: &str, id: &str) -> String {
    let wish = [("id", id), ("mode", "HTTP_DOWNLOAD")];
    let made = host.done(command, &wish);
    text(&made, "url")
}

pub(crate) fn every_step_keeps_the_bytes(server: &Server, bucket: &str) -> Result<(), Failed> {
    let place = Installation::with_pools()
        .row(Row::image("s3", "s3"))
        .storage_key("download_allow", vec!["127.0.0.1"]);
    let host = place.start();
    let pool = place.add_pool(&host, "pool", Provider::Filesystem);
    let add = [
        ("name", "objects"),
        ("provider", "S3"),
        ("details[0].endpoint", &*server.address),
        ("details[1].bucket", bucket),
        ("details[2].accesskey", ACCESS_KEY),
        ("details[3].usehttps", "false"),
        ("details[5].create_bucket", "true"),
    ];
    let wrong = [&add[..], &[("details[4].secretkey", "canary-wrong")]].concat();
    let refused = host.job("addImageStore", &wrong).err().or_fail("a wrong key is refused");
    let refused = refused.to_string();
    expect(refused.contains("correct secretkey"), || refused.clone())?;
    expect(!refused.contains("canary"), || "a secret is shown".to_owned())?;
    let right = [&add[..], &[("details[4].secretkey", SECRET_KEY)]].concat();
    let answer = host.api("addImageStore", &right).to_string();
    expect(!answer.contains(SECRET_KEY), || "a secret is shown".to_owned())?;
    let listed = host.list("listImageStores", &[("provider", "S3")]);
    expect(listed.len() == 1 && !listed[0].to_string().contains(SECRET_KEY), || {
        format!("{listed:?}")
    })?;
    let store = text(&listed[0], "id");

    let bytes = disk();
    let source = Source::of(bytes.clone());
    let offered = [
        ("name", "golden"),
        ("displaytext", "golden"),
        ("format", "RAW"),
        ("hypervisor", "KVM"),
        ("url", source.url()),
        ("zoneid", &pool.zone),
        ("isextractable", "true"),
    ];
    let registered = host.api("registerTemplate", &offered);
    let template = text(&registered["template"][0], "id");
    eventually("the template is ready", || {
        let listed = host.list("listTemplates", &[("templatefilter", "all"), ("id", &template)]);
        listed.first().is_some_and(|one| one["isready"] == true).then_some(())
    });
    expect(get(&link(&host, "extractTemplate", &template)) == bytes, || {
        "the template has other bytes behind its link".to_owned()
    })?;

    let wish = [
        ("name", "data"),
        ("templateid", &*template),
        ("storageid", &pool.id),
        ("zoneid", &pool.zone),
    ];
    let volume = text(&host.done("createVolume", &wish), "id");
    let path = text(&host.list("listVolumes", &[("id", &volume)])[0], "path");
    let file = pool.directory.join(path);
    expect(fs::read(&file).or_fail("read the volume") == bytes, || {
        "the volume has other bytes".to_owned()
    })?;
    let snapshot =
        text(&host.done("createSnapshot", &[("volumeid", &volume), ("name", "s")]), "id");
    host.done("archiveSnapshot", &[("id", &snapshot)]);
    expect(get(&link(&host, "extractSnapshot", &snapshot)) == bytes, || {
        "the backup has other bytes behind its link".to_owned()
    })?;

    host.job("deleteSnapshot", &[("id", &snapshot)]).or_fail("delete the snapshot");
    host.job("deleteVolume", &[("id", &volume)]).or_fail("delete the volume");
    host.job("deleteTemplate", &[("id", &template)]).or_fail("delete the template");
    host.is_well();
    // It refuses to go while an object of ours is in the bucket.
    host.job("deleteImageStore", &[("id", &store)]).or_fail("remove the store");
    let said = host.process().said();
    expect(!said.contains(SECRET_KEY), || "a secret is in the log".to_owned())
}
