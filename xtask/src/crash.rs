//! `cargo xtask crash`: pulls the plug of a working host, again and again, and looks what is left.

use anyhow::{Context, Result};

use crate::workspace::{HOST, Workspace};
use crate::{process, ui};

/// Builds what is run, and runs it. CI does the same with fewer kills, as part of the tests.
pub(crate) fn crash(workspace: &Workspace, kills: u64, seed: u64) -> Result<()> {
    let mut build = process::cargo(workspace, ["build", "-p", HOST]);
    for package in workspace.loadable_packages()? {
        build.args(["-p", &package]);
    }
    process::run(&mut build)?;
    let mut command = process::cargo(workspace, ["test", "-p", "tests", "--test", "crash", "--"]);
    command.args(["--kills", &kills.to_string(), "--seed", &seed.to_string()]);
    ui::header(process::shown(&command));
    process::run(&mut command).with_context(|| {
        format!("something was lost; the same decisions again: --kills {kills} --seed {seed}")
    })
}
