//! `recoverVolume`: a destroyed volume comes back.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::objects::shown_one;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "recoverVolume",
    description: "Recovers a Destroy volume.",
    since: None,
    is_async: false,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "The ID of the volume";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    call.services.orchestration.volumes.recover(&call.request(), volume.uuid).await?;
    shown_one::<Volume>(&call, volume.uuid).await
}
