//! `evictSecondaryStagingStore`, an extension: an image cache gives up what nobody uses.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::ImageStore;

pub(super) const COMMAND: Command = Command {
    name: "evictSecondaryStagingStore",
    description: "Empties a secondary staging store (an image cache) of all that nobody uses now. \
                  Answers when it is gone (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: EvictedResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the staging store ID";
    }
}

response! {
    struct EvictedResponse {
        "evicted" evicted: u64 => "how many copies it gave up";
        "inuse"   in_use: u64  => "how many it keeps, because they are used now";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let cache = call.find::<ImageStore>("id", params.id).await?;
    let stores = &call.services.orchestration.image_stores;
    let (evicted, in_use) = stores.empty_cache(cache.uuid).await?;
    let evicted = EvictedResponse { evicted: evicted as u64, in_use: in_use as u64 };
    Reply::object("secondarystagingstore", &evicted)
}
