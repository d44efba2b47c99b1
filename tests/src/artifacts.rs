//! What the tests run and load, built once per test process.

use crate::fail::{OrFail, fail};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The packages that the tests run or load.
const PACKAGES: [&str; 7] = [
    "storage-host",
    "storage-image-nfs",
    "storage-image-s3",
    "storage-volume-filesystem",
    "storage-volume-sample",
    "storage-volume-null",
    "storage-volume-fault",
];

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().or_fail("the package lies in the workspace")
}

/// The host's binary.
pub fn host_binary() -> PathBuf {
    directory().join("storage-host")
}

/// The library of a package of the workspace.
pub fn library(package: &str) -> PathBuf {
    directory().join(file_name(&package.replace('-', "_")))
}

/// The file name of a library on this system.
pub fn file_name(library: &str) -> String {
    format!("{DLL_PREFIX}{library}{DLL_SUFFIX}")
}

/// Where cargo puts what it builds.
pub fn target_directory() -> &'static Path {
    profile_directory().parent().or_fail("the target directory has the profile's")
}

/// `target/debug`, or that of the profile this test was built with.
fn profile_directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let test = std::env::current_exe().or_fail("the test's executable");
        // target/debug/deps/it-0123456789abcdef
        test.ancestors().nth(2).or_fail("the test lies in a target directory").to_owned()
    })
}

/// The directory with the artifacts, once they are built.
fn directory() -> &'static Path {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let mut build = cargo("build");
        for package in PACKAGES {
            build.args(["-p", package]);
        }
        let profile = profile_directory().file_name().or_fail("a profile").to_string_lossy();
        let profile = if profile == "debug" { "dev" } else { &*profile };
        build.args(["--profile", profile]).current_dir(root());
        try_run(build.arg("--target-dir").arg(target_directory()))
    });
    if let Err(why) = built {
        fail(why);
    }
    profile_directory()
}

/// A nested cargo that is not led astray by what the outer one told this test.
pub(crate) fn cargo(verb: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    let of_the_outer = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "STORAGE_HOST_"];
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if of_the_outer.iter().any(|prefix| name_text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.arg(verb).arg("--quiet");
    command
}

/// Runs a program to its end. What it says is told only if it does not succeed.
pub(crate) fn try_run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}:\n{stderr}", output.status))
}

/// As [`try_run`], where the program must succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) {
    if let Err(why) = try_run(command) {
        fail(&why);
    }
}
