//! `revertSnapshot`: a volume goes back to a snapshot, in place.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Snapshot;

pub(super) const COMMAND: Command = Command {
    name: "revertSnapshot",
    description: "Reverts a volume to a snapshot. No virtual machine may run with it.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "The ID of the snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let snapshot = call.find::<Snapshot>("id", params.id).await?;
    let snapshots = &call.services.orchestration.snapshots;
    let begun = snapshots.revert(&call.request(), snapshot.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
