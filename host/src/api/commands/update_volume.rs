//! `updateVolume`: its name.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "updateVolume",
    description: "Updates the volume.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"   id: Id       => "the ID of the volume";
        "name" name: String => "new name of the volume";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.rename(&call.request(), volume.uuid, params.name).await?;
    Ok(Reply::job(begun.operation, None))
}
