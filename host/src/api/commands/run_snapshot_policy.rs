//! `runSnapshotPolicy`: a policy's snapshot now, an extension of this host.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::SnapshotPolicy;

pub(super) const COMMAND: Command = Command {
    name: "runSnapshotPolicy",
    description: "Takes the snapshot of a snapshot policy now, whenever it is due. Backup, copies and the end of older snapshots follow by themselves, as after each run (an extension of this host)",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the snapshot policy";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let policy = call.find::<SnapshotPolicy>("id", params.id).await?;
    let policies = &call.services.orchestration.snapshot_policies;
    let begun = policies.run(&call.request(), policy.uuid).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}
