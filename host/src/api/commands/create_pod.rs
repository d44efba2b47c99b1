//! `createPod`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{PodResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Pod, Zone};

pub(super) const COMMAND: Command = Command {
    name: "createPod",
    description: "Creates a new Pod.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: PodResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"   name: String => "the name of the Pod";
        "zoneid" zone: Id     => "the Zone ID in which the Pod will be created";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    let pod = call.services.orchestration.zones.create_pod(&params.name, zone.uuid).await?;
    reply_shown::<Pod>(&call, pod).await
}
