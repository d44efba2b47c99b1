//! `releaseImageStoreQuarantine`, an extension: the operator decides about an image store or
//! image cache in quarantine.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::ImageStoreResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::ImageStore;

pub(super) const COMMAND: Command = Command {
    name: "releaseImageStoreQuarantine",
    description: "Connects an image store or image cache in quarantine again, as owner if takeover is true (an extension of this host).",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: ImageStoreResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"       id: Id                 => "the ID of the image store";
        "takeover" takeover: Option<bool>
            => "true if this host is the one that counts: its epoch is raised above that of the back end";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let store = call.find::<ImageStore>("id", params.id).await?;
    let stores = &call.services.orchestration.image_stores;
    let takeover = params.takeover.unwrap_or_default();
    let begun = stores.release_quarantine(&call.request(), store.uuid, takeover).await?;
    call.outcome(begun.operation).await
}
