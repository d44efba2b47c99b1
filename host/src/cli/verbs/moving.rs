//! Uploads and downloads against a real server, over a line that breaks.

use super::options::added_to;
use super::wait::Watch;
use super::{Ask, VerbError, find, run_with};
use crate::api::command_table;
use crate::api::tests::harness::{TestServer, signed};
use crate::cli::args::Arguments;
use crate::cli::client::ClientError;
use clap::CommandFactory;
use serde_json::Value;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A line to a server. Its first connections that move a lot break after so many bytes.
struct Line {
    address: SocketAddr,
    breaks: Arc<AtomicUsize>,
}

impl Line {
    fn to(server: SocketAddr, breaks: usize, after: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let breaks = Arc::new(AtomicUsize::new(breaks));
        let left = Arc::clone(&breaks);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let left = Arc::clone(&left);
                    thread::spawn(move || pass(from, to, &left, after));
                }
            }
        });
        Self { address, breaks }
    }

    fn breaks_left(&self) -> usize {
        self.breaks.load(Ordering::SeqCst)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicUsize, after: usize) {
    let (mut bytes, mut passed) = (vec![0; 16 << 10], 0);
    while let Ok(read) = from.read(&mut bytes) {
        passed += read;
        let breaks = passed > after
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        if breaks {
            from.shutdown(Shutdown::Both).ok();
            to.shutdown(Shutdown::Both).ok();
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).is_err() {
            to.shutdown(Shutdown::Write).ok();
            return;
        }
    }
}

/// Asks a server whose links lead over a line.
struct Asks<'a>(&'a TestServer, &'a Line);

impl Ask for Asks<'_> {
    fn ask(&self, command: &str, params: &[(&str, &str)]) -> Result<String, ClientError> {
        let answer = self.0.send(format!(
            "GET /client/api?{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            signed(command, params),
            self.1.address
        ));
        match answer.status {
            200 => Ok(answer.body),
            code => Err(ClientError::Refused {
                command: command.to_owned(),
                text: answer.body,
                code,
                cs_code: 0,
            }),
        }
    }
}

/// Somebody who waits as long as it takes, or for nothing.
struct Waits(bool);

impl Watch for Waits {
    fn progress(&mut self, _: &Value) {}

    fn pause(&mut self, _: Duration) -> bool {
        thread::yield_now();
        self.0
    }

    fn end(&mut self) {}
}

fn run(words: &[&str], host: &Asks<'_>, waits: bool) -> (Result<ExitCode, VerbError>, String) {
    let cli = added_to(Arguments::command(), &command_table());
    let words = std::iter::once(&"storage-host").chain(words);
    let matches = cli.try_get_matches_from(words).unwrap_or_else(|error| panic!("{error}"));
    let (verb, matches) = find(&matches).unwrap();
    let mut out = Vec::new();
    let end = run_with(host, verb, matches, &mut out, &mut Waits(waits));
    (end, String::from_utf8(out).unwrap())
}

fn server() -> (TestServer, impl Sized, TempDir) {
    let (server, world) = TestServer::with_storage();
    server.block_on(world.image_store("i"));
    (server, world, tempfile::tempdir().unwrap())
}

fn file(directory: &TempDir, name: &str) -> (String, Vec<u8>) {
    let bytes: Vec<u8> = (0..3_000_000_usize).map(|n| (n * 7 + n / 255) as u8).collect();
    let path = directory.path().join(name);
    fs::write(&path, &bytes).unwrap();
    (path.to_str().unwrap().to_owned(), bytes)
}

#[test]
fn a_file_goes_up_and_comes_down_over_a_line_that_breaks() {
    let (server, _world, directory) = server();
    let (path, bytes) = file(&directory, "disk.raw");
    let line = Line::to(server.address, 1, 2_000_000);
    let asks = Asks(&server, &line);
    let upload = ["template", "upload", &path, "--name", "mine", "--format", "RAW"];
    let (end, out) = run(&upload, &asks, true);
    end.unwrap_or_else(|error| panic!("{error}"));
    assert!(out.contains("mine") && line.breaks_left() == 0, "{out}");
    assert!(!Path::new(&format!("{path}.upload")).exists());

    let line = Line::to(server.address, 2, 1_200_000);
    let asks = Asks(&server, &line);
    let to = directory.path().join("again.raw");
    let to = to.to_str().unwrap();
    let (end, out) = run(&["template", "download", "mine", to], &asks, true);
    end.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((out.trim(), line.breaks_left()), (to, 0));
    assert!(fs::read(to).unwrap() == bytes);
    assert!(!Path::new(&format!("{to}.part")).exists());

    let (end, _) = run(&["template", "download", "mine", to], &asks, true);
    let told = end.unwrap_err().to_string();
    assert!(told.contains("is there already"), "{told}");
}

#[test]
fn the_same_command_goes_on_with_an_upload_that_was_given_up() {
    let (server, _world, directory) = server();
    let (path, bytes) = file(&directory, "disk.raw");
    let line = Line::to(server.address, 1, 2_000_000);
    let asks = Asks(&server, &line);
    let upload = ["template", "upload", &path, "--name", "mine", "--format", "RAW"];
    let (end, _) = run(&upload, &asks, false);
    let told = end.unwrap_err().to_string();
    assert!(told.contains("the same command goes on"), "{told}");
    let kept = fs::read_to_string(format!("{path}.upload")).unwrap();
    assert!(kept.contains("postURL"), "{kept}");

    let (end, out) = run(&upload, &asks, true);
    end.unwrap_or_else(|error| panic!("{error}"));
    // One template, not two.
    let listed = server.call("listTemplates", &[("templatefilter", "all")]).inner();
    assert_eq!(listed["count"], 1, "{listed}");
    assert_eq!(listed["template"][0]["physicalsize"], bytes.len(), "{out}");
}

#[test]
fn a_file_that_is_no_image_is_refused_in_the_hosts_words() {
    let (server, _world, directory) = server();
    let (path, _) = file(&directory, "disk.raw");
    let line = Line::to(server.address, 0, 0);
    let asks = Asks(&server, &line);
    let checksum = "0".repeat(64);
    let upload =
        ["template", "upload", &path, "--name", "a", "--format", "RAW", "--checksum", &checksum];
    let told = run(&upload, &asks, true).0.unwrap_err().to_string();
    assert!(told.contains("the host refuses it") && told.contains("checksum"), "{told}");
    assert!(!Path::new(&format!("{path}.upload")).exists());
    let upload = ["template", "upload", &path, "--name", "b", "--format", "QCOW2"];
    let told = run(&upload, &asks, true).0.unwrap_err().to_string();
    assert!(told.contains("it is raw, and was said to be QCOW2"), "{told}");
    let empty = directory.path().join("empty");
    fs::write(&empty, b"").unwrap();
    let upload = ["template", "upload", empty.to_str().unwrap(), "--name", "c", "--format", "RAW"];
    let told = run(&upload, &asks, true).0.unwrap_err().to_string();
    assert!(told.contains("is no file with bytes"), "{told}");
}

#[test]
fn bytes_that_were_changed_on_their_way_are_thrown_away() {
    let (server, _world, directory) = server();
    let (path, _) = file(&directory, "disk.raw");
    let line = Line::to(server.address, 0, 0);
    let asks = Asks(&server, &line);
    let upload = ["template", "upload", &path, "--name", "mine", "--format", "RAW"];
    run(&upload, &asks, true).0.unwrap_or_else(|error| panic!("{error}"));
    let to = directory.path().join("again.raw");
    // What somebody left there is gone on with, as what broke off would be.
    fs::write(directory.path().join("again.raw.part"), b"other bytes").unwrap();
    let download = ["template", "download", "mine", to.to_str().unwrap()];
    let told = run(&download, &asks, true).0.unwrap_err().to_string();
    assert!(told.contains("thrown away"), "{told}");
    assert!(!to.exists() && !directory.path().join("again.raw.part").exists());
    run(&download, &asks, true).0.unwrap_or_else(|error| panic!("{error}"));
}
