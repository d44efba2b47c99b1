//! What a suite may need beyond Rust and a C linker: is it here, how does one get it, and getting
//! it.
//!
//! Installing happens only with `test --all`. Debian's packages go into the system and take root;
//! tools from crates.io and PyPI go into `target/tools`, and leave with the target directory.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo, works};
use crate::workspace::Workspace;

const TOOLS: &str = "target/tools";
const VENV: &str = "target/tools/venv";

/// Whether a Python package is installed in this very version: an older one is not what was tested.
const INSTALLED: &str = "import sys; from importlib.metadata import version; \
                         sys.exit(version(sys.argv[1]) != sys.argv[2])";

/// One thing that must be there for a suite to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A component of the toolchain: `cargo <probe> --version` works.
    Component { probe: &'static str, component: &'static str },
    /// Debian packages: they are there when the command works.
    Debian { probe: &'static [&'static str], packages: &'static [&'static str] },
    /// A program from crates.io, in its exact version, built here.
    Crate { program: &'static str, version: &'static str },
    /// As [`Crate`](Self::Crate), with features of it.
    CrateWith { program: &'static str, version: &'static str, features: &'static str },
    /// A program from PyPI, in its exact version.
    PyPi { package: &'static str, version: &'static str },
    /// Another Rust toolchain.
    Toolchain(&'static str),
    /// The right to mount images: root, and loop devices.
    Mounts,
}

/// Mounts something where nobody else sees it, asks for a loop device, and for what a kernel may lack.
const CAN_MOUNT: &str = "mount -t tmpfs none /mnt && losetup --find && for kind in xfs btrfs; do \
                         grep -qw $kind /proc/filesystems || modprobe $kind || exit 1; done";

impl Need {
    /// Whether it is here.
    pub(crate) fn is_met(&self, workspace: &Workspace) -> bool {
        match self {
            Self::Component { probe, .. } => works(&mut cargo(workspace, [probe, "--version"])),
            Self::Debian { probe: [], .. } => false,
            Self::Debian { probe: [program, arguments @ ..], .. } => {
                works(Command::new(program).args(arguments))
            }
            Self::Crate { program, version } | Self::CrateWith { program, version, .. } => {
                let said =
                    Command::new(crate_program(workspace, program)).arg("--version").output();
                said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(version))
            }
            Self::PyPi { package, version } => {
                let python = python_program(workspace, "python3");
                works(Command::new(python).args(["-c", INSTALLED, package, version]))
            }
            Self::Toolchain(name) => {
                works(&mut cargo(workspace, [&format!("+{name}"), "--version"]))
            }
            Self::Mounts => works(Command::new("unshare").args(["--mount", "sh", "-c", CAN_MOUNT])),
        }
    }

    /// Whether `test --all` may go on without it.
    ///
    /// A toolchain comes from neither Debian, PyPI nor npm, the registries that continuous
    /// integration reaches, and few containers may mount anything. A machine that has it runs the
    /// suite; demanding it would make `--all` impossible to pass elsewhere.
    pub(crate) fn is_optional(&self) -> bool {
        matches!(self, Self::Toolchain(_) | Self::Mounts)
    }

    /// How to get it, for a person.
    pub(crate) fn how_to_get(&self) -> String {
        match self {
            Self::Component { component, .. } => {
                format!("needs {component}: rustup component add {component}")
            }
            Self::Debian { packages, .. } => {
                let packages = packages.join(" ");
                format!("needs {packages}: apt-get install {packages}")
            }
            Self::Crate { program, version } | Self::CrateWith { program, version, .. } => {
                format!(
                    "needs {program} {version} from crates.io in {TOOLS}: cargo xtask test --all"
                )
            }
            Self::PyPi { package, version } => {
                format!("needs {package} {version} from PyPI in {VENV}: cargo xtask test --all")
            }
            Self::Toolchain(name) => {
                format!("needs a {name} toolchain: rustup toolchain install {name}")
            }
            Self::Mounts => {
                "needs to mount images: run as root, where there are loop devices".to_owned()
            }
        }
    }

    fn install(&self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Component { component, .. } => {
                process::run(Command::new("rustup").args(["component", "add", component]))
            }
            Self::Debian { packages, .. } => install_debian(packages),
            Self::Crate { program, version } => {
                // Without optimisation: it runs for a second and is built for minutes.
                let mut install = cargo(workspace, ["install", "--quiet", "--locked", "--debug"]);
                install.args(["--root", TOOLS, "--version", version, program]);
                process::run(&mut install)
            }
            Self::CrateWith { program, version, features } => {
                let mut install = cargo(workspace, ["install", "--quiet", "--locked", "--debug"]);
                install.args(["--root", TOOLS, "--version", version]);
                process::run(install.args(["--features", features, program]))
            }
            Self::PyPi { package, version } => {
                install_python(workspace, &format!("{package}=={version}"))
            }
            Self::Toolchain(_) | Self::Mounts => Ok(()),
        }
    }
}

/// Gets what is missing, in the order given.
pub(crate) fn install_missing<'a>(
    workspace: &Workspace,
    needs: impl IntoIterator<Item = &'a Need>,
) -> Result<()> {
    for need in needs {
        if !need.is_optional() && !need.is_met(workspace) {
            need.install(workspace).with_context(|| need.how_to_get())?;
            if !need.is_met(workspace) {
                bail!("installed, and still missing; {}", need.how_to_get());
            }
        }
    }
    Ok(())
}

/// The path of a program that came from crates.io. It need not be there.
pub(crate) fn crate_program(workspace: &Workspace, program: &str) -> PathBuf {
    workspace.root().join(TOOLS).join("bin").join(program)
}

/// The path of a program that came from PyPI. It need not be there.
pub(crate) fn python_program(workspace: &Workspace, program: &str) -> PathBuf {
    workspace.root().join(VENV).join("bin").join(program)
}

fn install_debian(packages: &[&str]) -> Result<()> {
    let user = process::output(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        bail!("only root may install Debian packages");
    }
    // A question would wait for ever: nobody is there to answer.
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::run(apt().arg("update"))?;
    process::run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

fn install_python(workspace: &Workspace, package: &str) -> Result<()> {
    let venv = workspace.root().join(VENV);
    if !venv.join("bin/pip").is_file() {
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    }
    let mut pip = Command::new(venv.join("bin/pip"));
    // Wheels only: building from source would ask for compilers that nobody named.
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    process::run(pip.arg(package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_names_the_way_to_meet_it() {
        let nightly = Need::Toolchain("nightly");
        assert_eq!(
            nightly.how_to_get(),
            "needs a nightly toolchain: rustup toolchain install nightly"
        );
        let qemu = Need::Debian { probe: &["qemu-img", "--version"], packages: &["qemu-utils"] };
        assert_eq!(qemu.how_to_get(), "needs qemu-utils: apt-get install qemu-utils");
    }

    #[test]
    fn only_what_no_registry_has_may_be_missing_from_a_whole_run() {
        assert!(Need::Toolchain("nightly").is_optional() && Need::Mounts.is_optional());
        assert!(!Need::PyPi { package: "x", version: "1" }.is_optional());
    }
}
