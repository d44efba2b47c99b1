//! `backupSnapshot`: CloudStack backs up while it takes a snapshot; here it is a job of its own.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Snapshot;

pub(super) const COMMAND: Command = Command {
    name: "backupSnapshot",
    description: "Copies a snapshot to secondary storage; its pool keeps it (an extension of this host).",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    pub(super) struct Params {
        "id" id: Id => "the ID of the snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    back_up(call, params, false).await
}

/// Backs a snapshot up; where it is archived, its pool does not keep it.
pub(super) async fn back_up(call: Call, params: Params, archive: bool) -> Result<Reply, ApiError> {
    let snapshot = call.find::<Snapshot>("id", params.id).await?;
    let snapshots = &call.services.orchestration.snapshots;
    let begun = snapshots.back_up(&call.request(), snapshot.uuid, archive).await?;
    Ok(Reply::job(begun.operation, None))
}
