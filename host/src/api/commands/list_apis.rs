//! `listApis`: the documentation of the API, which clients build themselves from.
//!
//! **Invariant:** every entry is complete: CloudMonkey ends itself where one lacks a key that the
//! text of this file writes always.

use crate::api::call::Call;
use crate::api::command::{Command, CommandTable, handler};
use crate::api::error::ApiError;
use crate::api::field::{Field, response};
use crate::api::param::{Inputs, Param, params};
use crate::api::reply::Reply;

pub(super) const COMMAND: Command = Command {
    name: "listApis",
    description: "Lists all available APIs on the server.",
    since: Some("4.1.0"),
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: ApiEntry::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name" name: Option<String> => "API name";
    }
}

response! {
    struct ApiEntry {
        "name"        name: &'static str               => "the name of the API command";
        "description" description: &'static str        => "description of the API";
        "since" since: Option<&'static str>
            => "version of CloudStack the API was introduced in";
        "isasync"     is_async: bool                   => "true if the API is asynchronous";
        "related"     related: String                  => "comma separated related APIs";
        "params"      params: Vec<ApiParam>            => "the list of parameters the API accepts";
        "response"    response: Vec<ApiField>          => "the fields of the API's response";
    }
}

response! {
    struct ApiParam {
        "name"        name: &'static str               => "the name of the parameter";
        "description" description: &'static str        => "description of the parameter";
        "type"        kind: &'static str               => "the type of the parameter";
        "length"      length: usize                    => "the length of the parameter";
        "required"    required: bool                   => "true if the parameter is required";
        "since" since: Option<&'static str>
            => "version of CloudStack the parameter was introduced in";
    }
}

response! {
    struct ApiField {
        "name"        name: &'static str               => "the name of the field";
        "description" description: &'static str        => "description of the field";
        "type"        kind: &'static str               => "the type of the field";
        "response"    response: Option<Vec<ApiLeaf>>   => "the fields of the field's object";
    }
}

response! {
    struct ApiLeaf {
        "name"        name: &'static str               => "the name of the field";
        "description" description: &'static str        => "description of the field";
        "type"        kind: &'static str               => "the type of the field";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let entries: Vec<ApiEntry> = call
        .commands
        .iter()
        .filter(|command| params.name.as_ref().is_none_or(|name| name == command.name))
        .map(|command| entry(command, &call.commands))
        .collect();
    Reply::list("api", entries.len(), &entries)
}

fn entry(command: &Command, all: &CommandTable) -> ApiEntry {
    ApiEntry {
        name: command.name,
        description: command.description,
        since: command.since,
        is_async: command.is_async,
        related: related(command, all),
        params: command.params().map(param).collect(),
        response: command.response.iter().map(field).collect(),
    }
}

/// The other commands that answer with the same object.
fn related(command: &Command, all: &CommandTable) -> String {
    let names: Vec<&str> = all
        .iter()
        .filter(|other| other.name != command.name && !command.response.is_empty())
        .filter(|other| other.response == command.response)
        .map(|other| other.name)
        .collect();
    names.join(",")
}

fn param(param: &Param) -> ApiParam {
    ApiParam {
        name: param.name,
        description: param.description,
        kind: param.kind.as_str(),
        length: param.length,
        required: param.required,
        since: param.since,
    }
}

fn field(field: &Field) -> ApiField {
    let nested = (!field.fields.is_empty()).then(|| field.fields.iter().map(leaf).collect());
    ApiField {
        name: field.name,
        description: field.description,
        kind: field.kind.as_str(),
        response: nested,
    }
}

/// Objects in objects are documented one level deep, as in CloudStack.
fn leaf(field: &Field) -> ApiLeaf {
    ApiLeaf { name: field.name, description: field.description, kind: field.kind.as_str() }
}
