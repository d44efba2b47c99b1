//! `listZones`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::ZoneResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Zone;
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listZones",
    description: "Lists zones.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: ZoneResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"   id: Option<Id>       => "the ID of the zone";
        "name" name: Option<String> => "the name of the zone";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let filter = Filter { name: list.own.name.clone(), ..Filter::default() };
    let mut zones = call.services.orchestration.zones.list::<Zone>(&filter).await?;
    zones.retain(|zone| {
        list.matches(&zone.name) && Id::is_wanted(list.own.id, None, zone.uuid, zone.id)
    });
    list.reply_shown(&call, &zones).await
}
