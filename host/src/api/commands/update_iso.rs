//! `updateIso`.

use super::update_template::{Params, update};
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::ImageKind;
use crate::api::objects::TemplateResponse;
use crate::api::param::Inputs;
use crate::api::reply::Reply;

pub(super) const COMMAND: Command = Command {
    name: "updateIso",
    description: "Updates attributes of an ISO.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    update(ImageKind::Iso, call, params).await
}
