//! `addImageStore`: adds secondary storage.

use super::create_storage_pool::positive;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::ImageStoreResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Zone;
use crate::orchestration::image_store::AddImageStore;
use storage_plugin_api::{DataStoreRole, Details};

pub(super) const COMMAND: Command = Command {
    name: "addImageStore",
    description: "Adds backup image store. Answers when it is up.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: ImageStoreResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "provider"      provider: Option<String>    => "the image store provider name";
        "name"          name: Option<String>        => "the name for the image store";
        "url"           url: Option<String>, length = 2048 => "the URL for the image store";
        "zoneid"        zone: Option<Id>            => "the Zone ID for the image store; without it, it serves the whole region";
        "details"       details: Option<Details>    => "the details for the image store";
        "weight"        weight: Option<i32>         => "the store of the highest weight takes what is new, 100 if none is given (an extension of this host)";
        "capacitybytes" capacity_bytes: Option<i64> => "bytes the host may use of it (an extension of this host)";
    }
}

/// A weight that can be one.
pub(super) fn weight_of(given: Option<i32>) -> Result<Option<u32>, ApiError> {
    let Some(weight) = given else {
        return Ok(None);
    };
    let read = u32::try_from(weight).map(Some);
    read.map_err(|_| ApiError::invalid_parameter("weight is a whole number from 0 on"))
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let wish = AddImageStore {
        name: params.name,
        url: params.url,
        provider: params.provider,
        zone: call.uuid_of::<Zone>("zoneid", params.zone).await?,
        role: DataStoreRole::Image,
        details: params.details.unwrap_or_default(),
        capacity_bytes: positive("capacitybytes", params.capacity_bytes)?,
        read_only: false,
        weight: weight_of(params.weight)?,
    };
    let begun = call.services.orchestration.image_stores.add(&call.request(), wish).await?;
    call.outcome(begun.operation).await
}
