//! `deleteSnapshotPolicies`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::SnapshotPolicy;

pub(super) const COMMAND: Command = Command {
    name: "deleteSnapshotPolicies",
    description: "Deletes snapshot policies for the account. The snapshots that they took stay.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"  id: Option<Id>       => "the ID of the snapshot policy";
        "ids" ids: Option<Vec<Id>> => "list of snapshots policy IDs separated by comma";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let ids = params.ids.unwrap_or_default();
    let wanted: Vec<Id> = params.id.into_iter().chain(ids).collect();
    if wanted.is_empty() {
        return Err(ApiError::invalid_parameter(
            "no snapshot policy is named; give its id, or several of them as ids",
        ));
    }
    let mut policies = Vec::new();
    for id in wanted {
        let policy = call.find::<SnapshotPolicy>("id", id).await?.uuid;
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    let service = &call.services.orchestration.snapshot_policies;
    service.delete(&call.request(), &policies).await?;
    Ok(Reply::success(None))
}
