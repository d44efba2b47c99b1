//! The plugin `s3` on real servers: Ceph's gateway, and s3s-fs.
//!
//! They are large, so there is a test here only where the variable says that they are installed; it
//! names the program of s3s-fs. What a server cannot do is said (`missing on …`), and is no failure.
//! To run it by hand:
//!
//! ```text
//! STORAGE_TESTS_S3S_FS=target/tools/bin/s3s-fs cargo test -p tests --test object-stores
//! ```

mod flow;
mod images;
mod relay;
mod servers;

use crate::servers::{ACCESS_KEY, SECRET_KEY, Server};
use libtest_mimic::{Arguments, Failed, Trial};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};
use tests::{OrFail, artifacts, expect, leave_out};

/// The program of s3s-fs; set by whoever knows that Ceph is installed as well.
const VARIABLE: &str = "STORAGE_TESTS_S3S_FS";

/// A server that is started by the first test that needs it.
type Started = Arc<OnceLock<Server>>;

type Test = fn(&Server, &str) -> Result<(), Failed>;

/// Each test; it is run on each server, with a bucket of its own.
const TESTS: [(&str, Test); 8] = [
    ("every_call_of_the_table_works", calls),
    ("every_case_passes_in_both_skins", |server, bucket| images::passes(server, bucket, false)),
    ("every_case_passes_with_signed_payloads", |server, bucket| {
        images::passes(server, bucket, true)
    }),
    ("a_killed_write_goes_on_and_sends_nothing_twice", images::goes_on_after_a_kill),
    ("memory_does_not_grow_with_what_passes", images::takes_little_memory),
    ("what_is_given_up_stops_within_a_second", images::stops_when_it_is_given_up),
    ("a_store_is_tried_out_before_it_is_added", images::is_tried_out_before_it_is_added),
    ("every_step_from_template_to_backup_keeps_the_bytes", flow::every_step_keeps_the_bytes),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(program) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        return leave_out(&arguments, &format!("the plugin s3 on Ceph and s3s-fs; set {VARIABLE}"));
    };
    let program = artifacts::root().join(program);
    let (small, large) = (Started::default(), Started::default());
    let mut tests = Vec::new();
    for (name, test) in TESTS {
        let (server, program) = (Arc::clone(&small), program.clone());
        tests.push(Trial::test(format!("{name}_on_s3s_fs"), move || {
            on(server.get_or_init(|| Server::s3s_fs(&program)), name, test)
        }));
        let server = Arc::clone(&large);
        tests.push(Trial::test(format!("{name}_on_ceph"), move || {
            on(server.get_or_init(Server::ceph), name, test)
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, tests);
    // The tests are gone by now, so these are the last to hold the servers.
    drop((small, large));
    conclusion.exit_code()
}

/// Runs a test with a bucket of its own.
fn on(server: &Server, name: &str, test: Test) -> Result<(), Failed> {
    let number = TESTS.iter().position(|(one, _)| *one == name).unwrap_or_default();
    let bucket = format!("bucket-{number}");
    test(server, &bucket)
}

/// The tests of the calls, which are the plugin's own: they need no store, and no host.
fn calls(server: &Server, _: &str) -> Result<(), Failed> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "-p", "storage-image-s3", "--lib", "--features", "servers", "--quiet"]);
    command.arg("--target-dir").arg(artifacts::target_directory());
    command.args(["--", "s3::servers", "--nocapture"]).current_dir(artifacts::root());
    command.env("S3_SERVER", server.name).env("S3_ENDPOINT", server.url());
    command.env("S3_ACCESS_KEY", ACCESS_KEY).env("S3_SECRET_KEY", SECRET_KEY);
    let ended = command.output().or_fail("run cargo");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    for line in said.lines().filter(|line| line.starts_with("missing on ")) {
        // Nobody listens if this fails.
        writeln!(std::io::stderr(), "{line}").ok();
    }
    let shown = format!("{said}\n{}", String::from_utf8_lossy(&ended.stdout));
    expect(ended.status.success(), || shown)
}
