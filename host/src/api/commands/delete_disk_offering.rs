//! `deleteDiskOffering`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::DiskOffering;

pub(super) const COMMAND: Command = Command {
    name: "deleteDiskOffering",
    description: "Deletes a disk offering. Volumes that were made from it stay.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "ID of the disk offering";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let offering = call.find::<DiskOffering>("id", params.id).await?;
    call.services.orchestration.zones.delete_disk_offering(offering).await?;
    Ok(Reply::success(None))
}
