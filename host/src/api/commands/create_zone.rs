//! `createZone`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{ZoneResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::model::Zone;

pub(super) const COMMAND: Command = Command {
    name: "createZone",
    description: "Creates a Zone.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: ZoneResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"        name: String                 => "the name of the Zone";
        "networktype" network_type: Option<String> => "network type of the zone, can be Basic or Advanced; Advanced if none is given";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let network_type = params.network_type.as_deref().unwrap_or("Advanced");
    let zones = &call.services.orchestration.zones;
    let zone = zones.create_zone(&params.name, network_type).await?;
    reply_shown::<Zone>(&call, zone).await
}
