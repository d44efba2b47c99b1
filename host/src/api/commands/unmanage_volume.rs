//! `unmanageVolume`: a volume is given out of care, its bytes stay.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "unmanageVolume",
    description: "Unmanages a volume: its record goes, its bytes stay where they are.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the volume to unmanage";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.unmanage(&call.request(), volume.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
