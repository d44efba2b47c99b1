//! `updateIsoPermissions`.

use super::update_template_permissions::{Params, permit};
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::images::ImageKind;
use crate::api::param::Inputs;
use crate::api::reply::Reply;

pub(super) const COMMAND: Command = Command {
    name: "updateIsoPermissions",
    description: "Updates an ISO visibility permissions.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    permit(ImageKind::Iso, call, params).await
}
