//! `deleteIso`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::images::ImageKind;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;

pub(super) const COMMAND: Command = Command {
    name: "deleteIso",
    description: "Deletes an ISO from every store. Volumes that were made from it stay.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the iso";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let template = ImageKind::Iso.find(&call, params.id).await?;
    let templates = &call.services.orchestration.templates;
    let begun = templates.delete(&call.request(), template.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
