//! The words of the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Runs vendors' storage plugins: the storage side of a private cloud.
///
/// Without a verb it runs the host with ./plugins.toml.
#[derive(Debug, Parser)]
#[command(name = "storage-host", version, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 done, and the answer is no (a plugin refused, a \
case failed, a configuration with problems, an API error); 2 wrong usage; 3 the host could not \
start or run.";

/// What every verb understands.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// The configuration.
    #[arg(long, global = true, env = "STORAGE_HOST_CONFIG", default_value = "plugins.toml")]
    pub(super) config: PathBuf,
    /// Where the API listens; overrides `listen` of plugins.toml (STORAGE_HOST_LISTEN).
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the host keeps its state; overrides `data_dir` of plugins.toml
    /// (STORAGE_HOST_DATA_DIR).
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the host.
    Run,
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Look at plugins.
    Plugins {
        #[command(subcommand)]
        verb: PluginsVerb,
    },
    /// Prove that a plugin keeps the contract.
    Conformance(ConformanceOptions),
    /// Call a command of the API of the running host.
    Api {
        /// The command, as the API spells it: listStorageProviders.
        command: String,
        /// Its parameters: type=primary.
        #[arg(value_name = "KEY=VALUE")]
        parameters: Vec<String>,
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print the completions of a shell.
    Completions {
        /// Which.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Report every problem of the configuration, or the effective values.
    Check {
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum PluginsVerb {
    /// List the plugins and where each stands.
    List {
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Say what a library is, without running any of its code.
    Inspect {
        /// The name of a row of plugins.toml, or a library's path.
        plugin: String,
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
    /// Load and configure a plugin in a child process and say what comes of it.
    Probe {
        /// The name of a row of plugins.toml, or a library's path.
        plugin: String,
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}

/// Where the plugin's code runs during a conformance run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Skin {
    /// In this process.
    InProcess,
    /// In a process of its own.
    Process,
    /// First the one, then the other.
    Both,
}

#[derive(Debug, Args)]
pub(super) struct ConformanceOptions {
    /// The library's path, or the name of a row of plugins.toml.
    #[arg(value_name = "FILE")]
    pub(super) plugin: String,
    /// A TOML file with the plugin's settings and the stores to test on.
    #[arg(long, value_name = "FILE")]
    pub(super) settings: PathBuf,
    /// How far to go: 1 load and metadata, 2 schemas, 3 real bytes, 4 errors and limits.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(super) level: u8,
    /// Where the plugin's code runs.
    #[arg(long, value_enum, default_value = "both")]
    pub(super) isolation: Skin,
    /// Run on a store that holds objects already. Only names of this run are touched.
    #[arg(long)]
    pub(super) allow_non_empty: bool,
    /// Names the run; makes it repeatable.
    #[arg(long)]
    pub(super) run: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub(super) output: Output,
}
