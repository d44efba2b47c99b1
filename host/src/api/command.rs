//! A command, and the table of all of them.
//!
//! **Invariant:** a table has no two commands of a name, and finds a command by its exact name
//! only: names are case-sensitive, parameters are not.

use super::args::Args;
use super::call::Call;
use super::error::ApiError;
use super::field::Field;
use super::param::Param;
use super::reply::Reply;
use super::token::CLIENT_TOKEN;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

/// What a handler returns: the answer, once it is there.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>;

/// Runs one call of a command. Written as `handler!(run)`.
pub type Handler = fn(Call, Args) -> HandlerFuture;

/// Everything there is to know about a command.
#[derive(Clone, Copy)]
pub struct Command {
    /// Its name, as clients spell it: `listStorageProviders`.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// The CloudStack release that had it first, where that matters to clients.
    pub since: Option<&'static str>,
    /// It answers with a job, whose result `queryAsyncJobResult` tells.
    pub is_async: bool,
    /// It begins one operation, so that a client token makes it repeatable.
    pub begins: bool,
    /// What it takes, in the order in which it is checked.
    pub params: &'static [&'static [Param]],
    /// What an object of its answer holds.
    pub response: &'static [Field],
    /// What it does.
    pub run: Handler,
}

impl Command {
    /// Its parameters, in the order in which they are checked.
    pub fn params(&self) -> impl Iterator<Item = &'static Param> + use<> {
        let token = self.begins.then_some(&CLIENT_TOKEN);
        self.params.iter().copied().flatten().chain(token)
    }

    /// Whether it answers while what it began goes on, without a job to ask for: CloudStack lists a
    /// template that it only begins to download. Its handler knows repeated requests itself.
    pub fn answers_at_once(&self) -> bool {
        matches!(self.name, "registerTemplate" | "registerIso")
    }

    /// The key that wraps its answer.
    pub fn wrapper(&self) -> String {
        format!("{}response", self.name.to_ascii_lowercase())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Command").field(&self.name).finish()
    }
}

/// The commands of an API, by name.
#[derive(Debug, Default)]
pub struct CommandTable(BTreeMap<&'static str, Command>);

impl CommandTable {
    /// Makes a table; of two commands of a name, the first counts.
    pub fn new(commands: impl IntoIterator<Item = Command>) -> Self {
        let mut table = BTreeMap::new();
        for command in commands {
            table.entry(command.name).or_insert(command);
        }
        Self(table)
    }

    /// The command of this exact name.
    pub fn find(&self, name: &str) -> Option<&Command> {
        self.0.get(name)
    }

    /// All commands, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Command> {
        self.0.values()
    }
}

/// Makes a [`Handler`] of an `async fn(Call, Inputs) -> Result<Reply, ApiError>`.
macro_rules! handler {
    ($run:path) => {
        |call, args| {
            Box::pin(async move { $run(call, $crate::api::param::Inputs::read(&args)?).await })
        }
    };
}
pub(super) use handler;
