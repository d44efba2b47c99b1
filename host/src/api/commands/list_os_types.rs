//! `listOsTypes`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::os_types::OS_TYPES;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use uuid::Uuid;

response! {
    pub(in crate::api) struct OsTypeResponse {
        "id"            id: Uuid                  => "the ID of the OS type";
        "name"          name: &'static str        => "the name of the OS type";
        "description"   description: &'static str => "the name/description of the OS type";
        "isuserdefined" is_user_defined: bool     => "is the guest OS user defined";
    }
}

pub(super) const COMMAND: Command = Command {
    name: "listOsTypes",
    description: "Lists all supported OS types for this cloud.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: OsTypeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"          id: Option<Id>              => "list by Os type Id";
        "description" description: Option<String> => "list os by description";
    }
}

async fn run(_: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let shown: Vec<OsTypeResponse> = OS_TYPES
        .iter()
        .zip(1..)
        .filter(|((uuid, name), number)| {
            list.matches(name)
                && Id::is_wanted(own.id, None, *uuid, *number)
                && own.description.as_ref().is_none_or(|one| one == name)
        })
        .map(|((id, name), _)| OsTypeResponse {
            id: *id,
            name,
            description: name,
            is_user_defined: false,
        })
        .collect();
    list.reply("ostype", &shown)
}
