//! `listStorageTags`: the tags of every pool.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::Inputs;
use crate::api::reply::Reply;
use crate::store::Filter;
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "listStorageTags",
    description: "Lists storage tags.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<()>::PARAMS,
    response: StorageTagResponse::FIELDS,
    run: handler!(run),
};

response! {
    struct StorageTagResponse {
        "id"     id: String   => "the ID of the storage tag: its pool and its name";
        "name"   name: String => "the name of the storage tag";
        "poolid" pool: Uuid   => "the pool ID of the storage tag";
    }
}

async fn run(call: Call, list: Listing<()>) -> Result<Reply, ApiError> {
    let pools = call.services.orchestration.storage_pools.list(&Filter::default()).await?;
    let tags: Vec<StorageTagResponse> = pools
        .iter()
        .flat_map(|pool| pool.tags.iter().map(|tag| (pool.uuid, tag)))
        .filter(|(_, tag)| list.matches(tag))
        .map(|(pool, tag)| StorageTagResponse {
            id: format!("{pool}:{tag}"),
            name: tag.clone(),
            pool,
        })
        .collect();
    list.reply("storagetag", &tags)
}
