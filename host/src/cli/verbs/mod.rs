//! Short verbs for people: `storage-host volume create`, generated from the API's own commands.
//!
//! What it is: one [table](table::VERBS) that says which words call which command, and the machine
//! that makes options, help and checks from what that command declares. What it is not: knowledge
//! of storage; a verb does what its command does.
//!
//! **Invariant:** an option is a parameter of the command: its name, type, description and whether
//! it must be given come from there. What people get on top is spelling: names for ids, `10G` for
//! bytes, the only zone for no zone.

mod download;
#[cfg(test)]
mod moving;
mod names;
mod options;
mod show;
mod size;
mod table;
#[cfg(test)]
mod tests;
mod transfer;
mod upload;
mod wait;

use super::args::{Common, Output};
use super::client::{Client, ClientError};
use super::{NO, run, say_error};
use crate::api::{self, CommandTable};
use clap::ArgMatches;
use names::Names;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use table::{VERBS, Verb};
use transfer::Moves;
use upload::Upload;

/// Wrong usage, as clap says it.
const USAGE: u8 = 2;

/// Who answers commands: a running host, or a test.
pub(super) trait Ask {
    /// The whole answer of a command, as text.
    fn ask(&self, command: &str, params: &[(&str, &str)]) -> Result<String, ClientError>;

    /// The beginning of its URLs, as far as it is known; it may have been another one before.
    fn origin(&self) -> Option<String> {
        None
    }

    /// What is under the wrapper of its answer.
    fn ask_value(&self, command: &str, params: &[(&str, &str)]) -> Result<Value, VerbError> {
        let text = self.ask(command, params)?;
        serde_json::from_str(show::inside(&text))
            .map_err(|error| VerbError::NoAnswer(format!("{command} answered no object: {error}")))
    }
}

impl Ask for Client {
    fn ask(&self, command: &str, params: &[(&str, &str)]) -> Result<String, ClientError> {
        self.call_text(command, params)
    }

    fn origin(&self) -> Option<String> {
        self.endpoint().api.strip_suffix("/client/api").map(str::to_owned)
    }
}

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerbError {
    /// The command line asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// A name names nothing, or too much.
    #[error("{0}")]
    Name(String),
    /// The host's answer is none.
    #[error("{0}")]
    NoAnswer(String),
    /// The job failed.
    #[error("{command}: {text} (error {code}; `storage-host operations show {job}` has its steps)")]
    JobFailed { command: &'static str, job: String, text: String, code: u64 },
    /// Nobody waits for the job any more.
    #[error(
        "job {job} goes on: `storage-host job {job} --wait` waits for it, `storage-host \
         operations cancel {job}` turns it back"
    )]
    Interrupted { job: String },
    /// The host went away while its job was waited for.
    #[error(
        "job {job} goes on when the host runs again, and `storage-host job {job} --wait` waits for \
         it: {why}"
    )]
    Lost { job: String, why: ClientError },
    /// The host refused, or does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Something is wrong with a file, or with its way.
    #[error("{0}")]
    File(String),
    /// Nothing can be written.
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl VerbError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            _ => NO,
        }
    }
}

/// The command line with all verbs whose commands there are.
pub(super) fn added_to(cli: clap::Command) -> clap::Command {
    options::added_to(cli, &api::command_table())
}

/// Does the verb of a command line, if it has one of this table.
pub(super) fn run(common: &Common, matches: &ArgMatches) -> Option<anyhow::Result<ExitCode>> {
    let (verb, matches) = find(matches)?;
    let done = connect(common).map(|client| {
        let outcome =
            run_with(&client, verb, matches, &mut io::stdout(), &mut wait::Terminal::new());
        outcome.unwrap_or_else(|error| {
            say_error(&error.to_string());
            ExitCode::from(error.exit_code())
        })
    });
    Some(done.or_else(|error| match error.downcast::<ClientError>() {
        Ok(error) => {
            say_error(&error.to_string());
            Ok(ExitCode::from(NO))
        }
        Err(error) => Err(error),
    }))
}

fn connect(common: &Common) -> anyhow::Result<Client> {
    Ok(Client::discover(&run::config(common)?.host.data_dir)?)
}

/// The verb that a command line names, and what was given to it.
fn find(matches: &ArgMatches) -> Option<(&'static Verb, &ArgMatches)> {
    let (group, matches) = matches.subcommand()?;
    let of_group = || VERBS.iter().filter(|verb| verb.group == group);
    match matches.subcommand() {
        Some((word, matches)) => Some((of_group().find(|verb| verb.word == word)?, matches)),
        None => Some((of_group().find(|verb| verb.word.is_empty())?, matches)),
    }
}

/// Does a verb with whoever answers.
fn run_with(
    ask: &dyn Ask,
    verb: &'static Verb,
    matches: &ArgMatches,
    out: &mut dyn io::Write,
    watcher: &mut dyn wait::Watch,
) -> Result<ExitCode, VerbError> {
    let commands = api::command_table();
    let command = find_command(&commands, verb)?;
    let names = Names { ask, commands: &commands };
    let params = options::given(command, verb, matches, &names)?;
    let params: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let form = matches.get_one::<Output>(options::OUTPUT).copied().unwrap_or_default();
    let mut answer = match verb.moves {
        Moves::Up => sent_up(ask, verb, matches, &params, watcher)?,
        _ => ask.ask(verb.command, &params)?,
    };
    if options::waits(command, matches)
        && let Some(job) = show::job_of(&answer)
    {
        answer = wait::until_done(ask, command.name, &job, watcher)?;
    }
    if verb.moves == Moves::Down {
        return brought_down(&answer, options::file_of(matches), form, (out, watcher));
    }
    let body = show::inside(&answer);
    match form {
        Output::Json => writeln!(out, "{body}")?,
        Output::Table => show::people(verb, command, &answer, out)?,
    }
    let says_no = serde_json::from_str(body).is_ok_and(|body| verb.says_no(&body));
    Ok(if says_no { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

/// Sends a file by the offer that a command makes, and waits for what comes of it.
fn sent_up(
    ask: &dyn Ask,
    verb: &Verb,
    matches: &ArgMatches,
    params: &[(&str, &str)],
    watcher: &mut dyn wait::Watch,
) -> Result<String, VerbError> {
    let no_file = || VerbError::Usage("the file that is to be sent is not named".to_owned());
    let file = options::file_of(matches).ok_or_else(no_file)?;
    let wish: Vec<(String, String)> =
        params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let offer = || Ok(ask.ask_value(verb.command, params)?["getuploadparams"].take());
    let job = Upload::begin(file, &wish, ask.origin(), offer)?.send(watcher)?;
    wait::until_done(ask, verb.command, &job, watcher)
}

/// Downloads what the link of an answer leads to.
fn brought_down(
    answer: &str,
    to: Option<&PathBuf>,
    form: Output,
    (out, watcher): (&mut dyn io::Write, &mut dyn wait::Watch),
) -> Result<ExitCode, VerbError> {
    let body: Value = serde_json::from_str(show::inside(answer)).unwrap_or_default();
    let link = body.as_object().and_then(|body| body.values().next());
    let no_link = || VerbError::NoAnswer("the host made no link".to_owned());
    let path = download::download(link.ok_or_else(no_link)?, to.map(PathBuf::as_path), watcher)?;
    match form {
        Output::Json => writeln!(out, "{}", serde_json::json!({ "file": path }))?,
        Output::Table => writeln!(out, "{}", path.display())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn find_command<'a>(
    commands: &'a CommandTable,
    verb: &Verb,
) -> Result<&'a api::Command, VerbError> {
    // The verb would not be on the command line without it.
    commands
        .find(verb.command)
        .ok_or_else(|| VerbError::NoAnswer(format!("this host has no command {}", verb.command)))
}
