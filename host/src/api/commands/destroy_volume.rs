//! `destroyVolume`: a volume that can be recovered for a while, or not.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "destroyVolume",
    description: "Destroys a Volume. It can be recovered until it is expunged.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"      id: Id                => "The ID of the volume";
        "expunge" expunge: Option<bool> => "If true is passed, the volume is expunged immediately. False by default.";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let volumes = &call.services.orchestration.volumes;
    let begun = if params.expunge.unwrap_or_default() {
        volumes.expunge(&call.request(), volume.uuid).await?
    } else {
        volumes.destroy(&call.request(), volume.uuid).await?
    };
    Ok(Reply::job(begun.operation, None))
}
