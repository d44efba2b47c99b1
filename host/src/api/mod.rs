//! The CloudStack query API: one command table that parses, validates, documents and dispatches.
//!
//! What it is: `/client/api` as the clients people have know it (cs, libcloud, Ansible,
//! CloudMonkey, Terraform), answered in JSON. What it is not: a place for storage logic; a handler
//! asks the rooms below and puts the answer into words.
//!
//! **Invariant:** what `listApis` says of a command is what its parser accepts and its answer
//! holds: both come from one declaration. Nothing below this module knows an HTTP status or a
//! CloudStack error number.
//!
//! A request goes `server` → `http` → `form` → `authentication` → `args` → the command's handler →
//! `reply`, or `error`. Start reading at [`Command`]; a new command is one file in `commands/`,
//! whose head says how.

mod command;
mod param;

mod args;
mod field;
mod map;
mod os_types;
mod page;
mod reply;
mod values;
mod word;

mod call;
mod commands;
mod dispatch;
mod error;
mod failure;
mod new_image;
mod objects;
mod token;

mod authentication;
mod form;
mod signature;
mod timestamp;

mod http;
mod images;
mod in_flight;
mod range;
mod server;
mod upload;
mod userdata;

pub mod credentials;
pub mod endpoint;
mod private_file;

#[cfg(test)]
pub(crate) mod tests;

pub use self::args::Args;
pub use self::call::{Call, CallerContext, HostInfo, RequestId, Services};
pub use self::command::{Command, CommandTable, Handler, HandlerFuture};
pub use self::dispatch::Api;
pub use self::error::{ApiError, CsErrorCode, ErrorCode};
pub use self::field::{Field, FieldKind};
pub use self::map::Pairs;
pub use self::param::{Kind, Param};
pub use self::reply::Reply;
pub use self::server::{router, serve, serve_router};
pub use self::signature::sign;
pub use self::timestamp::{format_timestamp, parse_timestamp};
pub use self::values::{Date, Explicit, Id, LastMoment, TzDate};
pub use self::word::Word;

/// The commands of the product: what the command line makes its verbs from.
pub fn command_table() -> CommandTable {
    commands::all()
}
