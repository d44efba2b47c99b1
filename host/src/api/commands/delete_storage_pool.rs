//! `deleteStoragePool`: a pool in maintenance, with nothing on it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;

pub(super) const COMMAND: Command = Command {
    name: "deleteStoragePool",
    description: "Deletes a storage pool that is in maintenance. Answers when it is gone.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"     id: Id               => "Storage pool id";
        "forced" forced: Option<bool> => "expunge the destroyed volumes on the pool first; without it, any volume keeps the pool";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("id", params.id).await?;
    let pools = &call.services.orchestration.storage_pools;
    let forced = params.forced.unwrap_or_default();
    let begun = pools.delete(&call.request(), pool.uuid, forced).await?;
    call.outcome(begun.operation).await
}
