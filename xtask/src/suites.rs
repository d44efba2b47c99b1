//! What there is to check: the table of suites, each with what it needs.
//!
//! `test` runs the suites in the order of [`SUITES`] and leaves out, by name, those whose needs are
//! not met. **To add one** (a real back end, say), write a row and the function with its steps.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::process::cargo;
use crate::tidy;
use crate::tools::{self, Need};
use crate::workspace::{HOST, Workspace};

/// A group of checks that is run, or left out, as one.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs: &'static [Need],
    /// Left out of a plain `test`, because it costs too much there.
    pub(crate) only_with_all: bool,
    pub(crate) steps: fn(&Workspace) -> Result<Vec<Step>>,
}

/// What a suite does, one thing after the other.
#[derive(Debug)]
pub(crate) enum Step {
    /// Runs a program.
    Program(Command),
    /// Does it here; `cargo xtask <name>` does the same.
    Task { name: &'static str, run: fn(&Workspace) -> Result<()> },
}

/// The benches pull in gRPC for their comparison: they are built where time is no matter.
const WITHOUT_BENCHES: [&str; 3] = ["--workspace", "--exclude", "benches"];

/// Python's own installer of virtual environments; Debian packages it apart from Python.
const PYTHON_VENV: Need = Need::Debian {
    probe: &["python3", "-c", "import ensurepip, venv"],
    packages: &["python3", "python3-venv"],
};

/// Built from its authors' source: built binaries of it come from others only.
const CARGO_DENY: Need = Need::Crate { program: "cargo-deny", version: "0.20.2" };

/// The client that most people script CloudStack with.
const CS: Need = Need::PyPi { package: "cs", version: "5.2.0" };

/// The programs that make the file systems which the plugins on directories are tested on.
const FILE_SYSTEMS: Need = Need::Debian {
    probe: &[
        "sh",
        "-c",
        "PATH=$PATH:/usr/sbin:/sbin; mkfs.xfs -V && mkfs.btrfs -V && mkfs.ext4 -V",
    ],
    packages: &["xfsprogs", "btrfs-progs", "e2fsprogs"],
};

/// The judge of images; nothing of the product uses it.
const QEMU_IMG: Need =
    Need::Debian { probe: &["qemu-img", "--version"], packages: &["qemu-utils"] };

/// A small S3 server over a directory.
const S3S_FS: Need = Need::CrateWith { program: "s3s-fs", version: "0.14.1", features: "binary" };

/// A whole Ceph cluster with its gateway, which the tests start on this machine.
const CEPH: Need = Need::Debian {
    probe: &["sh", "-c", "ceph-mon -v && ceph-mgr -v && ceph-osd -v && radosgw -v && ceph -v"],
    packages: &["ceph-mon", "ceph-mgr", "ceph-osd", "radosgw", "ceph-common"],
};

/// Every suite, the quick ones first.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        about: "formatting",
        needs: &[Need::Component { probe: "fmt", component: "rustfmt" }],
        only_with_all: false,
        steps: |workspace| Ok(vec![program(workspace, &["fmt", "--all", "--check"])]),
    },
    Suite {
        name: "tidy",
        about: "the rules of the house",
        needs: &[],
        only_with_all: false,
        steps: |_| Ok(vec![Step::Task { name: "tidy", run: tidy::tidy }]),
    },
    Suite {
        name: "clippy",
        about: "lints",
        needs: &[Need::Component { probe: "clippy", component: "clippy" }],
        only_with_all: false,
        steps: |workspace| Ok(vec![clippy(workspace, &WITHOUT_BENCHES)]),
    },
    Suite {
        name: "test",
        about: "unit, end-to-end and documentation tests",
        needs: &[],
        only_with_all: false,
        steps: test,
    },
    Suite {
        name: "docs",
        about: "the documentation builds, and its links lead somewhere",
        needs: &[],
        only_with_all: false,
        steps: docs,
    },
    Suite {
        name: "nightly",
        about: "a plugin built by a nightly compiler",
        needs: &[Need::Toolchain("nightly")],
        only_with_all: false,
        steps: nightly,
    },
    Suite {
        name: "clients",
        about: "the client cs against the real host",
        needs: &[PYTHON_VENV, CS, QEMU_IMG],
        only_with_all: false,
        steps: clients,
    },
    Suite {
        name: "filesystems",
        about: "the plugins filesystem and nfs on XFS, Btrfs and ext4",
        needs: &[FILE_SYSTEMS, QEMU_IMG, Need::Mounts],
        only_with_all: false,
        steps: filesystems,
    },
    Suite {
        name: "object-stores",
        about: "the plugin s3 on Ceph and s3s-fs",
        needs: &[S3S_FS, CEPH],
        only_with_all: false,
        steps: object_stores,
    },
    Suite {
        name: "images",
        about: "images made by qemu-img, read and refused",
        needs: &[QEMU_IMG],
        only_with_all: false,
        steps: images,
    },
    Suite {
        name: "deny",
        about: "licences, sources and bans of the dependencies",
        needs: &[CARGO_DENY],
        only_with_all: false,
        steps: deny,
    },
    Suite {
        name: "benches",
        about: "the benches compile, and are clean of lints",
        needs: &[Need::Component { probe: "clippy", component: "clippy" }],
        only_with_all: true,
        steps: |workspace| {
            let check = program(workspace, &["check", "-p", "benches", "--all-targets"]);
            Ok(vec![check, clippy(workspace, &["-p", "benches"])])
        },
    },
];

fn program(workspace: &Workspace, arguments: &[&str]) -> Step {
    Step::Program(cargo(workspace, arguments))
}

fn clippy(workspace: &Workspace, packages: &[&str]) -> Step {
    let mut command = cargo(workspace, ["clippy"]);
    command.args(packages).args(["--all-targets", "--", "-D", "warnings"]);
    Step::Program(command)
}

/// The tests load the host and the plugins, which `cargo test` alone does not build.
fn test(workspace: &Workspace) -> Result<Vec<Step>> {
    let mut build = cargo(workspace, ["build", "-p", HOST]);
    for package in workspace.loadable_packages()? {
        build.args(["-p", &package]);
    }
    let mut test = cargo(workspace, ["test"]);
    test.args(WITHOUT_BENCHES);
    Ok(vec![Step::Program(build), Step::Program(test)])
}

#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn docs(workspace: &Workspace) -> Result<Vec<Step>> {
    let mut command = cargo(workspace, ["doc", "--no-deps"]);
    command.args(WITHOUT_BENCHES).env("RUSTDOCFLAGS", "-D warnings");
    Ok(vec![Step::Program(command)])
}

/// A vendor builds with the compiler he has.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn nightly(workspace: &Workspace) -> Result<Vec<Step>> {
    Ok(vec![end_to_end(workspace, "nightly", "STORAGE_TESTS_NIGHTLY", "1".as_ref())])
}

/// The clients that people have must work unmodified.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn clients(workspace: &Workspace) -> Result<Vec<Step>> {
    let cs = tools::python_program(workspace, "cs");
    Ok(vec![end_to_end(workspace, "clients", "STORAGE_TESTS_CS", cs.as_os_str())])
}

/// What qemu-img makes of a disk has to come out as that disk.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn images(workspace: &Workspace) -> Result<Vec<Step>> {
    Ok(vec![end_to_end(workspace, "images", "STORAGE_TESTS_IMAGES", "1".as_ref())])
}

/// The servers are started by the tests.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn object_stores(workspace: &Workspace) -> Result<Vec<Step>> {
    let s3s_fs = tools::crate_program(workspace, "s3s-fs");
    let variable = "STORAGE_TESTS_S3S_FS";
    Ok(vec![end_to_end(workspace, "object-stores", variable, s3s_fs.as_os_str())])
}

/// In a mount namespace of its own: whatever happens to the tests, nothing stays mounted.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn filesystems(workspace: &Workspace) -> Result<Vec<Step>> {
    let inner = cargo(workspace, ["test", "-p", "tests", "--test", "filesystems"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir(workspace.root()).env("STORAGE_TESTS_FILESYSTEMS", "1");
    Ok(vec![Step::Program(command)])
}

/// End-to-end tests of which there are some only where a variable says that what they need is here.
fn end_to_end(workspace: &Workspace, target: &str, variable: &str, value: &OsStr) -> Step {
    let mut command = cargo(workspace, ["test", "-p", "tests", "--test", target]);
    command.env(variable, value);
    Step::Program(command)
}

/// The advisories are a git repository of their own that not every machine reaches: they are
/// checked where `DENY_ADVISORIES=1` asks for it.
#[expect(clippy::unnecessary_wraps, reason = "every row of the table has the same type")]
fn deny(workspace: &Workspace) -> Result<Vec<Step>> {
    let mut command = Command::new(tools::crate_program(workspace, "cargo-deny"));
    command.current_dir(workspace.root());
    command.args(["--config", ".deny.toml", "check", "bans", "licenses", "sources"]);
    if std::env::var_os("DENY_ADVISORIES").is_some_and(|wanted| wanted == "1") {
        command.arg("advisories");
    }
    Ok(vec![Step::Program(command)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn suites_have_different_names() {
        let names: HashSet<_> = SUITES.iter().map(|suite| suite.name).collect();
        assert_eq!(names.len(), SUITES.len());
    }

    #[test]
    fn what_an_ordinary_machine_runs_needs_nothing_to_be_installed() {
        let core = ["tidy", "test", "docs"];
        for suite in SUITES.iter().filter(|suite| core.contains(&suite.name)) {
            assert!(suite.needs.is_empty() && !suite.only_with_all, "{}", suite.name);
        }
    }
}
