//! `cancelOperation`: asks an operation to turn back.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;

pub(super) const COMMAND: Command = Command {
    name: "cancelOperation",
    description: "Asks an operation to turn back: what it did is undone, and its job fails (an \
                  extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the operation, which is that of its job";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let Id::Uuid(uuid) = params.id else {
        return Err(ApiError::no_such_entity("id", &params.id.to_string()));
    };
    call.jobs().cancel(uuid).await?;
    Ok(Reply::success(Some("the operation turns back; its job tells when everything is undone")))
}
