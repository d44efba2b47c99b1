//! `releaseStoragePoolQuarantine`, an extension: the operator decides about a pool in quarantine.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::StoragePoolResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;

pub(super) const COMMAND: Command = Command {
    name: "releaseStoragePoolQuarantine",
    description: "Connects a storage pool in quarantine again, as owner if takeover is true (an extension of this host).",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"       id: Id                 => "the ID of the storage pool";
        "takeover" takeover: Option<bool>
            => "true if this host is the one that counts: its epoch is raised above that of the back end";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("id", params.id).await?;
    let pools = &call.services.orchestration.storage_pools;
    let takeover = params.takeover.unwrap_or_default();
    let begun = pools.release_quarantine(&call.request(), pool.uuid, takeover).await?;
    call.outcome(begun.operation).await
}
