//! `archiveSnapshot`.

use super::backup_snapshot::{Params, back_up};
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::Inputs;
use crate::api::reply::Reply;

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

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    back_up(call, params, true).await
}
