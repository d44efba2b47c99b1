//! `updateZone`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{ResourceState, ZoneResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::Zone;

pub(super) const COMMAND: Command = Command {
    name: "updateZone",
    description: "Updates a Zone.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: ZoneResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"              id: Id                => "the ID of the Zone";
        "name"            name: Option<String>  => "the name of the Zone";
        "allocationstate" state: Option<Word<ResourceState>> => "allocation state of this zone: Enabled takes new storage pools, Disabled does not";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("id", params.id).await?;
    let enabled = params.state.map(|Word(state)| state == ResourceState::Enabled);
    let uuid = zone.uuid;
    call.services.orchestration.zones.update_zone(zone, params.name, enabled).await?;
    reply_shown::<Zone>(&call, uuid).await
}
