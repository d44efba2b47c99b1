//! `deleteImageStore`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::ImageStore;

pub(super) const COMMAND: Command = Command {
    name: "deleteImageStore",
    description: "Deletes an image store that is empty. Answers when it is gone.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "The image store ID";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let store = call.find::<ImageStore>("id", params.id).await?;
    let stores = &call.services.orchestration.image_stores;
    let begun = stores.delete(&call.request(), store.uuid).await?;
    call.outcome(begun.operation).await
}
