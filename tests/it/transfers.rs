//! Files up and down by the command line, on the real binary with an image store of the plugin
//! `nfs`: whole, broken by a kill, and those that are refused.

use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{Host, Installation, Pool, Provider, Row, Running, eventually, text};

const MIB: usize = 1 << 20;

struct Place {
    place: Installation,
    pool: Pool,
}

impl Place {
    fn new() -> (Self, Host) {
        let place = Installation::with_pools().row(Row::image("nfs", "nfs"));
        let host = place.start();
        let pool = place.add_pool(&host, "pool", Provider::Filesystem);
        let url = format!("file://{}", place.file("secondary").display());
        host.api("addImageStore", &[("name", "one"), ("url", &url), ("zoneid", &pool.zone)]);
        (Self { place, pool }, host)
    }

    /// A file of so many bytes, with a hole in its middle.
    fn file(&self, name: &str, length: usize) -> (String, Vec<u8>) {
        let mut bytes: Vec<u8> = (0..length).map(|at| (at / 3 + at / 65_536) as u8).collect();
        bytes[length / 2..length * 3 / 4].fill(0);
        let path = self.place.file(name);
        fs::write(&path, &bytes).unwrap();
        (path.display().to_string(), bytes)
    }

    fn to(&self, name: &str) -> (String, PathBuf) {
        let path = self.place.file(name);
        (path.display().to_string(), path)
    }
}

/// There is a file of these bytes, and nothing unfinished beside it.
#[track_caller]
fn has(path: &Path, bytes: &[u8]) {
    assert!(fs::read(path).unwrap() == bytes, "{} has other bytes", path.display());
    assert!(!PathBuf::from(format!("{}.part", path.display())).exists());
}

#[test]
fn what_goes_up_comes_down_byte_for_byte() {
    let (place, host) = Place::new();
    let (file, bytes) = place.file("disk.raw", 24 * MIB + 512);
    let checksum = format!("{{BLAKE3}}{}", blake3::hash(&bytes).to_hex());
    let upload = ["template", "upload", &file, "--name", "golden", "--format", "RAW"];
    let upload = [&upload[..], &["--checksum", &checksum]].concat();
    place.place.run(&upload).with_code(0);
    let (to, path) = place.to("again.raw");
    let told = place.place.run(&["template", "download", "golden", &to]).with_code(0);
    assert_eq!(told.out.trim(), to);
    has(&path, &bytes);
    let again = place.place.run(&["template", "download", "golden", &to]).with_code(1);
    assert!(again.err.contains("is there already"), "{again:?}");

    let mut iso = vec![0; 2 * MIB];
    iso[0x8001..0x8006].copy_from_slice(b"CD001");
    let (_, source) = place.to("tools.iso");
    fs::write(&source, &iso).unwrap();
    let source = source.display().to_string();
    place.place.run(&["iso", "upload", &source, "--name", "tools"]).with_code(0);
    // Into a directory, under the name that the host tells.
    let directory = place.place.file("down");
    fs::create_dir(&directory).unwrap();
    let there = directory.display().to_string();
    place.place.run(&["iso", "download", "tools", &there]).with_code(0);
    has(&directory.join("tools.iso"), &iso);
    host.is_well();
}

#[test]
fn volumes_and_snapshots_come_down_from_where_they_are() {
    let (place, host) = Place::new();
    let volume = host.create_volume(&place.pool, "data", 4 * MIB as u64);
    let path = text(&host.list("listVolumes", &[("id", &volume)])[0], "path");
    let (_, before) = place.file("before", 4 * MIB);
    let mut behind = before.clone();
    behind[MIB] ^= 0xff;
    let on_pool = place.pool.directory.join(path);
    fs::write(&on_pool, &before).unwrap();
    let taken = host.done("createSnapshot", &[("volumeid", &volume), ("name", "s")]);
    fs::write(&on_pool, &behind).unwrap();

    let (to, path) = place.to("volume.raw");
    place.place.run(&["volume", "download", "data", &to]).with_code(0);
    has(&path, &behind);
    let (to, path) = place.to("snapshot.raw");
    place.place.run(&["snapshot", "download", "s", &to]).with_code(0);
    has(&path, &before);
    let snapshot = text(&taken, "id");
    host.done("archiveSnapshot", &[("id", &snapshot)]);
    host.job("deleteVolume", &[("id", &volume)]).unwrap();
    let (to, path) = place.to("archived.raw");
    place.place.run(&["snapshot", "download", "s", &to]).with_code(0);
    has(&path, &before);
    host.is_well();
}

#[test]
fn an_upload_that_a_kill_breaks_is_gone_on_with_by_the_same_command() {
    let (place, host) = Place::new();
    let (file, bytes) = place.file("disk.raw", 512 * MIB);
    let upload = ["template", "upload", &file, "--name", "golden", "--format", "RAW"];
    let running = Running::start(&mut place.place.command(&upload));
    let durable = eventually("a token is kept", || {
        // The client stands still while the host is asked, and for good once a token is kept: it
        // cannot come to its end before the host is killed.
        running.signal(Signal::STOP);
        let listed = host.list("listTemplates", &[("templatefilter", "all")]);
        let durable = listed.first().and_then(|one| {
            let durable = one["downloaddetails"][0]["durableBytes"].as_str()?;
            durable.parse::<usize>().ok().filter(|durable| *durable > 0)
        });
        if durable.is_none() {
            running.signal(Signal::CONT);
        }
        durable
    });
    assert!(durable < bytes.len(), "{durable} of {} bytes came in no time", bytes.len());
    host.process().signal(Signal::KILL);
    host.wait();
    running.signal(Signal::CONT);
    let (status, said) = running.wait();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("the same command goes on"), "{said}");

    let host = place.place.start();
    eventually("the image store is connected", || host.findings().is_empty().then_some(()));
    place.place.run(&upload).with_code(0);
    let listed = host.list("listTemplates", &[("templatefilter", "all")]);
    assert_eq!(listed.len(), 1, "{listed:#?}");
    let (to, path) = place.to("again.raw");
    place.place.run(&["template", "download", "golden", &to]).with_code(0);
    has(&path, &bytes);
    host.is_in_order();
}

#[test]
fn what_is_not_taken_is_told_why_and_leaves_nothing() {
    let (place, host) = Place::new();
    let (file, _) = place.file("disk.raw", 2 * MIB);
    let wrong = "0".repeat(64);
    let upload = ["template", "upload", &file, "--name", "a", "--format"];
    let ended = [&upload[..], &["RAW", "--checksum", &wrong]].concat();
    let ended = place.place.run(&ended).with_code(1);
    assert!(ended.err.contains("checksum"), "{ended:?}");
    let ended = place.place.run(&[&upload[..], &["QCOW2"]].concat()).with_code(1);
    assert!(ended.err.contains("it is raw, and was said to be QCOW2"), "{ended:?}");
    for template in host.list("listTemplates", &[("templatefilter", "all")]) {
        assert_eq!(template["isready"], false);
        host.job("deleteTemplate", &[("id", &text(&template, "id"))]).unwrap();
    }
    host.is_in_order();
}
