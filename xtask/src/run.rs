//! `cargo xtask run`: stages everything and becomes the host.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::stage::{self, Profile};
use crate::workspace::Workspace;
use crate::{process, ui};

/// Builds, stages and runs the host with the arguments, in the root of the workspace, where
/// `plugins.toml` is. Returns only when the host could not be started.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let host = stage::stage(workspace, Profile::Staged)?;
    let mut command = Command::new(host);
    command.arg("run").args(arguments).current_dir(workspace.root());
    ui::header(process::shown(&command));
    become_program(&mut command)
}

/// Replaces this process, so that a signal meant for the host reaches the host.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    use anyhow::Context;

    let error = command.exec();
    Err(error).with_context(|| format!("cannot start {}", process::shown(command)))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<()> {
    process::run(command)
}
