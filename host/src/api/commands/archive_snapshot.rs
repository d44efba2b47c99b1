//! `archiveSnapshot`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Snapshot;

pub(super) const COMMAND: Command = Command {
    name: "archiveSnapshot",
    description: "Archives (moves) a snapshot on primary storage to secondary storage.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let snapshot = call.find::<Snapshot>("id", params.id).await?;
    let snapshots = &call.services.orchestration.snapshots;
    let begun = snapshots.back_up(&call.request(), snapshot.uuid, true).await?;
    Ok(Reply::job(begun.operation, None))
}
