//! `deleteCluster`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Cluster;

pub(super) const COMMAND: Command = Command {
    name: "deleteCluster",
    description: "Deletes a cluster that is empty.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the Cluster";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let found = call.find::<Cluster>("id", params.id).await?;
    call.services.orchestration.zones.delete_cluster(&found).await?;
    Ok(Reply::success(None))
}
