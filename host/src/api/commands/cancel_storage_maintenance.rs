//! `cancelStorageMaintenance`: a pool comes back, also from half the way.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::StoragePoolResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;

pub(super) const COMMAND: Command = Command {
    name: "cancelStorageMaintenance",
    description: "Cancels maintenance for primary storage, also while the pool is on the way into it.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the storage pool";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("id", params.id).await?;
    let pools = &call.services.orchestration.storage_pools;
    let begun = pools.cancel_maintenance(&call.request(), pool.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
