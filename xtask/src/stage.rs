//! `cargo xtask stage`: builds the host and every plugin, and puts each plugin's library into the
//! folder that the host loads it from.
//!
//! Invariant: a staged library is whole or absent, and is never written in place. A running host
//! has the file mapped; overwriting it would change the code under its feet.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process::{cargo, run};
use crate::ui;
use crate::workspace::{HOST, Plugin, Workspace};

/// The cargo profiles that the product is built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// What an operator runs
    Staged,
    /// Quick to build, slow to run
    Dev,
}

impl Profile {
    /// The profile's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Dev => "dev",
        }
    }

    /// The folder of the profile in the target directory; cargo calls that of `dev` otherwise.
    fn folder(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Dev => "debug",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Staged,
    Unchanged,
}

/// Builds the host and the plugins and stages the libraries. Returns the path of the host's binary.
pub(crate) fn stage(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let plugins = workspace.plugins()?;
    build(workspace, profile, &plugins)?;
    let built = workspace.target_directory()?.join(profile.folder());
    for plugin in &plugins {
        let destination = workspace.plugin_folder(plugin.kind).join(plugin.library());
        let outcome = install(&built.join(plugin.library()), &destination)?;
        report(
            workspace,
            &destination,
            match outcome {
                Outcome::Staged => "staged",
                Outcome::Unchanged => "unchanged",
            },
        );
    }
    let host = built.join(format!("{HOST}{}", std::env::consts::EXE_SUFFIX));
    if !host.is_file() {
        bail!("{} was not built: has package {HOST} a binary of that name?", host.display());
    }
    report(workspace, &host, "built");
    Ok(host)
}

fn build(workspace: &Workspace, profile: Profile, plugins: &[Plugin]) -> Result<()> {
    let mut command = cargo(workspace, ["build", "--profile", profile.name(), "-p", HOST]);
    for plugin in plugins {
        command.args(["-p", &plugin.package]);
    }
    run(&mut command).context("cannot build the host and its plugins")
}

fn report(workspace: &Workspace, path: &Path, what: &str) {
    let shown = path.strip_prefix(workspace.root()).unwrap_or(path);
    ui::line(format_args!("{what:>9}  {}", shown.display()));
}

/// Puts a copy of `from` at `to`, unless the same bytes are there already.
fn install(from: &Path, to: &Path) -> Result<Outcome> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if same(&bytes, to)? {
        return Ok(Outcome::Unchanged);
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let temporary = to.with_file_name(format!(".{name}.{}.tmp", process::id()));
    let replaced = replace(from, &temporary, to);
    if replaced.is_err() {
        // The temporary file may not exist; the first error is the one to report.
        fs::remove_file(&temporary).ok();
    }
    replaced.with_context(|| format!("cannot stage {}", to.display()))?;
    Ok(Outcome::Staged)
}

fn same(bytes: &[u8], path: &Path) -> Result<bool> {
    match fs::read(path) {
        Ok(present) => Ok(present == bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn replace(from: &Path, temporary: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, temporary)?;
    File::open(temporary)?.sync_all()?;
    fs::rename(temporary, to)?;
    // Without this the rename itself may be lost with the power.
    to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_replaced_by_a_new_file_and_only_when_it_differs() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to.so"));
        fs::write(&from, "one").unwrap();
        assert_eq!(install(&from, &to).unwrap(), Outcome::Staged);
        assert_eq!(install(&from, &to).unwrap(), Outcome::Unchanged);

        // Holds the old file, as a host that has it mapped does.
        let mut old = File::open(&to).unwrap();
        fs::write(&from, "two").unwrap();
        assert_eq!(install(&from, &to).unwrap(), Outcome::Staged);

        assert_eq!(io::read_to_string(&mut old).unwrap(), "one");
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a temporary file is left");
    }

    #[test]
    fn a_library_that_was_not_built_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = install(&folder.path().join("libx.so"), &folder.path().join("y")).unwrap_err();
        assert!(error.to_string().contains("libx.so"), "{error}");
    }
}
