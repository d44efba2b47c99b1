//! `updateStoragePool`: name, tags, limits, and whether it takes new volumes.

use super::create_storage_pool::{no_less_than_zero, positive};
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::StoragePoolResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;
use crate::orchestration::storage_pool::UpdateStoragePool;

pub(super) const COMMAND: Command = Command {
    name: "updateStoragePool",
    description: "Updates a storage pool.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"            id: Id                      => "the Id of the pool";
        "name"          name: Option<String>        => "new name of the storage pool";
        "tags"          tags: Option<Vec<String>>   => "comma-separated list of tags for the storage pool";
        "capacitybytes" capacity_bytes: Option<i64> => "bytes the host can provision from this storage pool";
        "capacityiops"  capacity_iops: Option<i64>  => "IOPS the host can provision from this storage pool";
        "enabled"       enabled: Option<bool>       => "false to disable the pool for allocation of new volumes, true to enable it back";
        "bandwidth"     bandwidth: Option<i64>      => "bytes a second that the host moves to and from it, all transfers together; 0 for no limit (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("id", params.id).await?;
    let wish = UpdateStoragePool {
        name: params.name,
        tags: params.tags,
        capacity_bytes: positive("capacitybytes", params.capacity_bytes)?,
        bandwidth: no_less_than_zero("bandwidth", params.bandwidth)?,
        capacity_iops: positive("capacityiops", params.capacity_iops)?,
        enabled: params.enabled,
    };
    let pools = &call.services.orchestration.storage_pools;
    let begun = pools.update(&call.request(), pool.uuid, wish).await?;
    call.outcome(begun.operation).await
}
