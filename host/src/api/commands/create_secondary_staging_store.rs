//! `createSecondaryStagingStore`: adds an image cache.

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
    name: "createSecondaryStagingStore",
    description: "Creates a secondary staging store (an image cache). Answers when it is up.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: ImageStoreResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "url"      url: String, length = 2048  => "the URL for the staging store";
        "zoneid"   zone: Option<Id>            => "the Zone ID for the staging store";
        "scope"    scope: Option<String>       => "the scope of the staging store: zone";
        "provider" provider: Option<String>    => "the staging store provider name";
        "details"  details: Option<Details>    => "the details for the staging store";
        "name"     name: Option<String>        => "the name for the staging store (an extension of this host)";
        "capacitybytes" capacity_bytes: Option<i64> => "bytes the host may use of it (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.uuid_of::<Zone>("zoneid", params.zone).await?;
    let is_zone = params.scope.as_deref().is_none_or(|scope| scope.eq_ignore_ascii_case("zone"));
    if zone.is_none() || !is_zone {
        return Err(ApiError::invalid_parameter(
            "a staging store is of scope zone: say which one (zoneid)",
        ));
    }
    let wish = AddImageStore {
        name: params.name,
        url: Some(params.url),
        provider: params.provider,
        zone,
        role: DataStoreRole::ImageCache,
        details: params.details.unwrap_or_default(),
        capacity_bytes: positive("capacitybytes", params.capacity_bytes)?,
        read_only: false,
        weight: None,
    };
    let begun = call.services.orchestration.image_stores.add(&call.request(), wish).await?;
    call.outcome(begun.operation).await
}
