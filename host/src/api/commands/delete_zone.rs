//! `deleteZone`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Zone;

pub(super) const COMMAND: Command = Command {
    name: "deleteZone",
    description: "Deletes a Zone that is empty.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the Zone";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let found = call.find::<Zone>("id", params.id).await?;
    call.services.orchestration.zones.delete_zone(&found).await?;
    Ok(Reply::success(None))
}
