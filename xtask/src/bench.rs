//! `cargo xtask bench`: measures what an operator runs, in the profile that is staged.

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::stage::{self, Profile};
use crate::workspace::Workspace;
use crate::{process, ui};

/// The benches, by the name of what they measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// The cost of a call across the boundary to a plugin
    Abi,
    /// The time from start to serving
    Load,
    /// Create and delete through the API, the start, the recovery
    ControlPlane,
    /// Images from a URL to stores and pools, beside qemu-img and cp
    Images,
    /// Each of them in turn
    All,
}

impl Which {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Abi => &["abi"],
            Self::Load => &["load"],
            Self::ControlPlane => &["control_plane"],
            Self::Images => &["images"],
            Self::All => &["abi", "load", "control_plane", "images"],
        }
    }
}

/// Stages the plugins, which the benches load, and runs the benches.
pub(crate) fn bench(workspace: &Workspace, which: Which) -> Result<()> {
    stage::stage(workspace, Profile::Staged)?;
    let mut null = process::cargo(workspace, ["build", "--profile", "staged"]);
    process::run(null.args(["-p", "storage-volume-null"]))?;
    for name in which.names() {
        let mut command = process::cargo(workspace, ["bench", "--profile", "staged"]);
        command.args(["-p", "benches", "--bench", name]);
        ui::header(process::shown(&command));
        process::run(&mut command).with_context(|| format!("bench {name} failed"))?;
    }
    Ok(())
}
