//! `listSecondaryStagingStores`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::ImageStoreResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{ImageStore, Zone};
use crate::store::Filter;
use storage_plugin_api::DataStoreRole;

pub(super) const COMMAND: Command = Command {
    name: "listSecondaryStagingStores",
    description: "Lists secondary staging stores (image caches).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: ImageStoreResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"       id: Option<Id>            => "the ID of the staging store";
        "name"     name: Option<String>      => "the name of the staging store";
        "zoneid"   zone: Option<Id>          => "the Zone ID for the staging store";
        "provider" provider: Option<String>  => "the staging store provider";
        "protocol" protocol: Option<String>  => "the staging store protocol";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let mut stores = call.services.orchestration.image_stores.list(&filter).await?;
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    stores.retain(|store| {
        store.role == DataStoreRole::ImageCache
            && list.matches(&store.name)
            && Id::is_wanted(own.id, None, store.uuid, store.id)
            && is(&own.provider, &store.provider)
            && is(&own.protocol, store.url.split("://").next().unwrap_or_default())
    });
    list.reply_shown::<ImageStore>(&call, &stores).await
}
