//! All automation of the workspace: `cargo xtask <task>`.
//!
//! One file per task; `workspace` knows where things are, `process` runs programs, `ui` prints. The
//! crate depends on no other of the workspace, so that it builds when the product does not.

mod bench;
mod crash;
mod new_plugin;
mod process;
mod run;
mod stage;
mod suites;
mod test;
mod tidy;
mod tools;
mod ui;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::{Kind, Workspace};

/// Automation of the storage plugin host.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the host and every plugin, and put the plugins' libraries where the host loads them
    Stage {
        /// What to build with
        #[arg(long, value_enum, default_value_t = stage::Profile::Staged)]
        profile: stage::Profile,
    },
    /// Stage, then become `storage-host run`
    Run {
        /// Arguments of `storage-host run`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Check everything that can be checked here, and name what was left out
    Test {
        /// Install what is missing first; a suite left out is then a failure
        #[arg(long)]
        all: bool,
    },
    /// What continuous integration runs: `test --all`
    Ci,
    /// Check the rules of the house from the source text
    Tidy,
    /// Measure
    Bench {
        /// Which benches
        #[arg(value_enum, default_value_t = bench::Which::All)]
        which: bench::Which,
    },
    /// Kill a working host, again and again, and look what is left
    Crash {
        /// How often
        #[arg(long, default_value_t = 300)]
        kills: u64,
        /// Which decisions
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Begin a plugin as a copy of the sample
    NewPlugin {
        /// The kind of store it serves
        kind: Kind,
        /// Its name: lower-case words joined by hyphens
        name: String,
    },
}

fn main() -> ExitCode {
    match run_task(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run_task(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Stage { profile } => stage::stage(&workspace, profile).map(|_host| ()),
        Task::Run { arguments } => run::run(&workspace, &arguments),
        Task::Test { all } => test::test(&workspace, all),
        Task::Ci => test::test(&workspace, true),
        Task::Tidy => tidy::tidy(&workspace),
        Task::Bench { which } => bench::bench(&workspace, which),
        Task::Crash { kills, seed } => crash::crash(&workspace, kills, seed),
        Task::NewPlugin { kind, name } => new_plugin::new_plugin(&workspace, kind, &name),
    }
}
