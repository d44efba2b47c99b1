//! `listServiceOfferings`: one, since clients do not deploy an instance without.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "listServiceOfferings",
    description: "Lists all available service offerings.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: ServiceOfferingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"   id: Option<Id>       => "ID of the service offering";
        "name" name: Option<String> => "name of the service offering";
    }
}

response! {
    struct ServiceOfferingResponse {
        "id"          id: Uuid               => "the id of the service offering";
        "name"        name: &'static str     => "the name of the service offering";
        "displaytext" text: &'static str     => "an alternate display text of the service offering";
        "cpunumber"   cpus: u32              => "the number of CPU";
        "cpuspeed"    speed: u32             => "the clock rate CPU speed in Mhz";
        "memory"      memory: u32            => "the memory in MB";
        "state"       state: &'static str    => "state of the service offering";
    }
}

/// The same on every host, since it is no record.
const ID: Uuid = Uuid::from_u128(0x5d1a_0b5e_6a4c_4d0f_9e1b_7a11_0ff3_1256);

async fn run(_: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let any = ServiceOfferingResponse {
        id: ID,
        name: "Any Instance",
        text: "What an instance takes is not this host's business",
        cpus: 1,
        speed: 1000,
        memory: 1024,
        state: "Active",
    };
    let is_wanted = list.matches(any.name)
        && Id::is_wanted(list.own.id, None, ID, 1)
        && list.own.name.as_ref().is_none_or(|name| name == any.name);
    let all: Vec<_> = Some(any).filter(|_| is_wanted).into_iter().collect();
    list.reply("serviceoffering", &all)
}
