//! The command line: `storage-host <verb>`.
//!
//! Verbs that look at plugins work without a running host; verbs that speak of what a host does
//! ask the one that runs on the data directory, through its API.
//!
//! Verbs for storage are not written here one by one: `verbs` makes them from the API's commands.
//!
//! Exit codes: 0 done; 1 done, and the answer is no (a plugin refused, a case failed, a
//! configuration with problems, an API error); 2 wrong usage; 3 the host could not start or run.

mod args;
mod conformance;
mod output;
mod plugins;
mod run;
mod target;
mod verbs;

pub mod api_command;
pub mod client;
pub mod table;

use crate::loader::child::{PROBE, RUNNER};
use args::{Arguments, Common, ConfigVerb, PluginsVerb, Verb};
use clap::{CommandFactory, FromArgMatches};
use std::io::Write;
use std::process::ExitCode;

/// The answer is no.
const NO: u8 = 1;
/// The host could not start or run.
const FAILED: u8 = 3;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(PROBE) => return child(crate::loader::probe::run_child()),
        Some(RUNNER) => return child(crate::isolation::run_child()),
        _ => {}
    }
    let mut command = verbs::added_to(Arguments::command());
    let matches = command.clone().get_matches();
    let by_table =
        Common::from_arg_matches(&matches).ok().and_then(|common| verbs::run(&common, &matches));
    let outcome = match by_table {
        Some(outcome) => outcome,
        None => match Arguments::from_arg_matches(&matches) {
            Ok(arguments) => run_verb(&arguments, &mut command),
            Err(error) => error.exit(),
        },
    };
    outcome.unwrap_or_else(|error| {
        say_error(&format!("storage-host: {error:#}"));
        ExitCode::from(FAILED)
    })
}

/// Does a verb that is not of the table.
fn run_verb(arguments: &Arguments, command: &mut clap::Command) -> anyhow::Result<ExitCode> {
    match &arguments.verb {
        None => run::run(&arguments.common),
        Some(Verb::Run) => run::run(&arguments.common),
        Some(Verb::Config { verb: ConfigVerb::Check { output } }) => {
            run::check(&arguments.common, *output)
        }
        Some(Verb::Plugins { verb }) => match verb {
            PluginsVerb::List { output } => plugins::list(&arguments.common, *output),
            PluginsVerb::Inspect { plugin, output } => {
                plugins::inspect(&arguments.common, plugin, *output)
            }
            PluginsVerb::Probe { plugin, output } => {
                plugins::probe(&arguments.common, plugin, *output)
            }
        },
        Some(Verb::Conformance(options)) => conformance::run(&arguments.common, options),
        Some(Verb::Api { command, parameters, output }) => {
            plugins::api(&arguments.common, command, parameters, *output)
        }
        Some(Verb::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, command, "storage-host", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn child(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&format!("storage-host: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

/// A line for people, on standard error.
fn say_error(text: &str) {
    // There is nobody to tell when standard error is closed.
    writeln!(std::io::stderr(), "{text}").ok();
}
