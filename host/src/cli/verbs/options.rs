//! From the parameters of a command to options, and from what was given back to parameters.

use super::names::{Names, takes_names};
use super::size::{self, Unit};
use super::table::{GROUPS, VERBS, Verb};
use super::transfer::Moves;
use super::{VerbError, names};
use crate::api::{Command, CommandTable, Kind, Param};
use crate::cli::args::Output;
use clap::builder::EnumValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

/// How the answer is written; no parameter has this name.
pub(super) const OUTPUT: &str = "output";
/// The file that is moved; no parameter has this name.
const FILE: &str = "file";
/// The job is not waited for.
const NO_WAIT: &str = "no-wait";
/// A job that is asked about is waited for.
const WAIT: &str = "wait";
/// The command that asks about a job.
const JOB: &str = "queryAsyncJobResult";

/// Other spellings of options, beside the name without `id`.
const SPELLINGS: &[(&str, &str)] = &[
    ("storageid", "pool"),
    ("virtualmachineid", "instance"),
    ("diskofferingid", "offering"),
    ("sourcevolumeid", "source"),
    ("objectid", "object"),
];

/// A command line with the verbs whose commands are in a table.
pub(super) fn added_to(mut cli: clap::Command, commands: &CommandTable) -> clap::Command {
    for verb in VERBS.iter().filter(|verb| verb.word.is_empty()) {
        if let Some(command) = commands.find(verb.command) {
            cli = cli.subcommand(verb_of(verb, verb.group, command, commands));
        }
    }
    for group in GROUPS {
        let verbs: Vec<clap::Command> = VERBS
            .iter()
            .filter(|verb| verb.group == group.word)
            .filter_map(|verb| {
                let command = commands.find(verb.command)?;
                Some(verb_of(verb, verb.word, command, commands))
            })
            .collect();
        if !verbs.is_empty() {
            let command = clap::Command::new(group.word).about(group.about);
            cli = cli.subcommand(command.subcommand_required(true).subcommands(verbs));
        }
    }
    cli
}

fn verb_of(
    verb: &Verb,
    word: &'static str,
    command: &Command,
    commands: &CommandTable,
) -> clap::Command {
    let is_fixed = |param: &Param| verb.fixed.iter().any(|(name, _)| *name == param.name);
    let is_positional = |param: &Param| verb.positional.contains(&param.name);
    let params: Vec<&'static Param> = command.params().filter(|one| !is_fixed(one)).collect();
    let positional =
        verb.positional.iter().filter_map(|name| params.iter().find(|one| one.name == *name));
    let named = params.iter().filter(|param| !is_positional(param));
    let mut built = clap::Command::new(word).about(command.description);
    for param in positional {
        // What is written first has to be there if anything after it is.
        let required = param.required || param.kind == Kind::Uuid;
        built =
            built.arg(arg(param, verb, commands).required(required).value_name(noun(verb, param)));
    }
    built = match verb.moves {
        Moves::Nothing => built,
        Moves::Up => built.arg(file().required(true).help("The file that is sent")),
        Moves::Down => built
            .arg(file().help(
                "The file that it goes to, or its directory; this directory if none is said",
            )),
    };
    for param in named {
        let has_default = verb.defaults.iter().any(|(name, _)| *name == param.name);
        // The only zone need not be named.
        let required = param.required && !has_default && param.name != "zoneid";
        let mut one = arg(param, verb, commands).long(param.name).required(required);
        for spelling in spellings(param, &params) {
            one = one.visible_alias(spelling);
        }
        built = built.arg(one);
    }
    built = built.arg(
        Arg::new(OUTPUT)
            .long(OUTPUT)
            .value_parser(EnumValueParser::<Output>::new())
            .default_value("table")
            .help("How the answer is written"),
    );
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    if command.is_async && verb.moves == Moves::Nothing {
        built = built.arg(flag(NO_WAIT).help("Print the id of the job and do not wait for it"));
    }
    if command.name == JOB {
        built = built.arg(flag(WAIT).help("Wait until the job is done"));
    }
    built
}

fn file() -> Arg {
    Arg::new(FILE).value_name("FILE").value_parser(clap::value_parser!(std::path::PathBuf))
}

/// The file that a verb moves, if one was named.
pub(super) fn file_of(matches: &ArgMatches) -> Option<&std::path::PathBuf> {
    matches.try_get_one(FILE).ok().flatten()
}

/// Other names of an option, none of which another option has.
fn spellings(param: &Param, all: &[&'static Param]) -> Vec<&'static str> {
    let short = (param.kind == Kind::Uuid).then(|| param.name.strip_suffix("id")).flatten();
    let more = SPELLINGS.iter().filter(|(name, _)| *name == param.name).map(|(_, other)| *other);
    let mut spellings: Vec<&'static str> = Vec::new();
    for spelling in short.into_iter().chain(more) {
        let taken = all.iter().any(|one| one.name == spelling);
        if !spelling.is_empty() && !taken && !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}

/// What a parameter without its name is called in the usage.
fn noun(verb: &Verb, param: &Param) -> &'static str {
    match param.name {
        "id" => verb.group.trim_end_matches('s'),
        name => name.strip_suffix("id").filter(|short| !short.is_empty()).unwrap_or(name),
    }
}

fn arg(param: &'static Param, verb: &Verb, commands: &CommandTable) -> Arg {
    let arg = Arg::new(param.name).allow_hyphen_values(false);
    let mut help = param.description.to_owned();
    let arg = match param.kind {
        Kind::Boolean => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false")
            .value_parser(["true", "false"]),
        Kind::Map => arg
            .action(ArgAction::Append)
            .value_name("KEY=VALUE")
            .value_parser(|text: &str| pair(text).map(|_| text.to_owned())),
        Kind::List if takes_names(commands, verb, param) => {
            help.push_str(" (or their names)");
            arg.action(ArgAction::Append).value_name("ID|NAME,…")
        }
        Kind::List => arg.action(ArgAction::Append).value_name("A,B,…"),
        _ if size::unit_of(param).is_some() => {
            help.push_str(match size::unit_of(param) {
                Some(Unit::Gib) => "; with a unit also 512M, 10G",
                _ => "; also 512M, 10G",
            });
            arg.value_name("SIZE")
                .value_parser(|text: &str| size::parse(text).map(|_| text.to_owned()))
        }
        Kind::Integer => number::<i32>(arg),
        Kind::Long => number::<i64>(arg),
        Kind::Float => number::<f64>(arg),
        Kind::Uuid if takes_names(commands, verb, param) => {
            help.push_str(" (or its name)");
            arg.value_name("ID|NAME").allow_negative_numbers(true)
        }
        Kind::Uuid => arg.value_name("ID").allow_negative_numbers(true),
        _ => arg.value_name("TEXT"),
    };
    arg.help(help)
}

fn number<T: std::str::FromStr>(arg: Arg) -> Arg {
    arg.value_name("NUMBER").allow_negative_numbers(true).value_parser(|text: &str| {
        text.parse::<T>().map(|_| text.to_owned()).map_err(|_| "it is not such a number".to_owned())
    })
}

// Without the text: it may be a secret whose name was forgotten.
fn pair(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err("it is not of the form key=value".to_owned()),
    }
}

/// Whether the verb waits for its job.
pub(super) fn waits(command: &Command, matches: &ArgMatches) -> bool {
    let is_set = |name| matches.try_get_one::<bool>(name).ok().flatten().copied() == Some(true);
    (command.is_async && !is_set(NO_WAIT)) || is_set(WAIT)
}

/// The parameters that a command line comes to.
pub(super) fn given(
    command: &Command,
    verb: &Verb,
    matches: &ArgMatches,
    names: &Names<'_>,
) -> Result<Vec<(String, String)>, VerbError> {
    let mut sent: Vec<(String, String)> = Vec::new();
    let mut send = |name: &str, value: String| sent.push((name.to_owned(), value));
    let has_bytes = command.params().any(|param| param.name == "sizebytes");
    let mut was_given = Vec::new();
    for param in command.params() {
        let values = given_to(param, matches);
        let Some(first) = values.first() else { continue };
        was_given.push(param.name);
        match (param.kind, size::unit_of(param)) {
            (Kind::Map, _) => {
                for (n, text) in values.iter().enumerate() {
                    let (key, value) = pair(text).map_err(VerbError::Usage)?;
                    send(&format!("{}[{n}].key", param.name), key.to_owned());
                    send(&format!("{}[{n}].value", param.name), value.to_owned());
                }
            }
            (Kind::List, _) => {
                let words = values.iter().flat_map(|value| value.split(','));
                let ids = words.map(|word| names.id_of(verb, param, word));
                send(param.name, ids.collect::<Result<Vec<_>, _>>()?.join(","));
            }
            (Kind::Uuid, _) => send(param.name, names.id_of(verb, param, first)?),
            (_, Some(unit)) => {
                let (name, value) =
                    size::wire(param, unit, first, has_bytes).map_err(VerbError::Usage)?;
                was_given.push(name);
                send(name, value);
            }
            _ => send(param.name, first.clone()),
        }
    }
    for (name, value) in verb.fixed {
        send(name, (*value).to_owned());
    }
    // A page that was asked for is not mixed with one that was not.
    let pages = |name: &str| matches!(name, "page" | "pagesize");
    let is_paged = was_given.iter().any(|name| pages(name));
    for (name, value) in verb.defaults {
        if was_given.contains(name) || (pages(name) && is_paged) {
            continue;
        }
        send(name, (*value).to_owned());
    }
    let zone = command.params().find(|param| param.name == "zoneid");
    if let Some(zone) = zone.filter(|_| !was_given.contains(&"zoneid") && makes(command)) {
        match names.only_zone()? {
            Some(only) => send("zoneid", only),
            None if zone.required => return Err(which_zone(names)?),
            None => {}
        }
    }
    Ok(sent)
}

fn given_to(param: &Param, matches: &ArgMatches) -> Vec<String> {
    match matches.value_source(param.name) {
        Some(ValueSource::CommandLine) => {
            matches.get_many::<String>(param.name).into_iter().flatten().cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a command makes something, or asks where something would be made, so that it needs a zone;
/// others narrow a list by it.
fn makes(command: &Command) -> bool {
    ["create", "add", "deploy", "import", "register", "getUpload", "listImageStoreCandidates"]
        .iter()
        .any(|verb| command.name.starts_with(verb))
}

fn which_zone(names: &names::Names<'_>) -> Result<VerbError, VerbError> {
    Ok(VerbError::Usage(format!("--zone is needed; there is {}", names.zones()?)))
}
