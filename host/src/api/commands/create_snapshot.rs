//! `createSnapshot`: a snapshot of a volume, on its pool.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "createSnapshot",
    description: "Creates an instant snapshot of a volume. It is there when the job is done.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "volumeid" volume: Id           => "The ID of the disk volume";
        "name"     name: Option<String> => "the name of the snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("volumeid", params.volume).await?;
    let snapshots = &call.services.orchestration.snapshots;
    let begun = snapshots.create(&call.request(), volume.uuid, params.name).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}
