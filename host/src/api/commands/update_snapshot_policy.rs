//! `updateSnapshotPolicy`: whether it is shown to users.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotPolicyResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::SnapshotPolicy;

pub(super) const COMMAND: Command = Command {
    name: "updateSnapshotPolicy",
    description: "Updates the snapshot policy. Its schedule is changed by createSnapshotPolicy for the same volume and interval.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotPolicyResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"         id: Id                     => "the ID of the snapshot policy";
        "fordisplay" is_displayed: Option<bool> => "an optional field, whether to the display the snapshot policy to the end user or not";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let policy = call.find::<SnapshotPolicy>("id", params.id).await?;
    let policies = &call.services.orchestration.snapshot_policies;
    let begun = policies.update(&call.request(), policy.uuid, params.is_displayed).await?;
    Ok(Reply::job(begun.operation, None))
}
