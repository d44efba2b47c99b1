//! `deleteVolume`: a detached volume, at once and for good.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "deleteVolume",
    description: "Deletes a detached disk volume for good. Answers when it is gone.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the disk volume";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.expunge(&call.request(), volume.uuid).await?;
    call.outcome(begun.operation).await
}
