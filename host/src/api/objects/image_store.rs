//! An image store or image cache, as `listImageStores` and `listSecondaryStagingStores` show it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ImageStore, ObjectInStore, Stored, Zone};
use crate::store::Filter;
use storage_plugin_api::shown_url;
use uuid::Uuid;

response! {
    pub(in crate::api) struct ImageStoreResponse {
        "id"            id: Uuid                    => "the ID of the image store";
        "name"          name: String                => "the name of the image store";
        "providername"  provider: String            => "the provider name of the image store";
        "protocol"      protocol: String            => "the protocol of the image store";
        "url"           url: String                 => "the url of the image store";
        "scope"         scope: &'static str         => "the scope of the image store";
        "zoneid"        zone_id: Option<Uuid>       => "the Zone ID of the image store";
        "zonename"      zone_name: Option<String>   => "the Zone name of the image store";
        "readonly"      read_only: bool             => "defines if store is read-only";
        "weight"        weight: u32                 => "the store of the highest weight takes what is new (an extension of this host)";
        "disksizetotal" total: Option<u64>          => "the total disk size of the image store";
        "disksizeused"  used: Option<u64>           => "the currently used disk size of the image store";
        "objects"       objects: u64                => "how many templates and snapshots are on it, or on their way (an extension of this host)";
        "created"       created: String             => "when it was added (an extension of this host)";
        "state"         state: &'static str         => "its state (an extension of this host)";
        "role"          role: &'static str          => "Image or ImageCache (an extension of this host)";
        "unavailable"   unavailable: Option<String> => "why nothing can be done with it now: its provider is missing, or it is not connected (an extension of this host)";
        "quarantine"    quarantine: Option<String>  => "why no operation may touch it (an extension of this host)";
        "bandwidth" bandwidth: Option<u64> => "bytes a second that the host moves to and from it at most (an extension of this host)";
    }
}

impl Shown for ImageStore {
    const OBJECT_NAME: &'static str = "imagestore";
    type Response = ImageStoreResponse;

    async fn show(names: &mut Names, store: &Stored<Self>) -> Result<ImageStoreResponse, ApiError> {
        let zone = names.find::<Zone>(store.scope.zone_id).await?;
        let of_store = Filter { owner: Some(store.uuid), ..Filter::default() };
        let objects = names.repository().list::<ObjectInStore>(&of_store).await?;
        let is_known = store.capacity_bytes > 0;
        Ok(ImageStoreResponse {
            id: store.uuid,
            name: store.name.clone(),
            provider: store.provider.clone(),
            protocol: store.url.split_once("://").map_or_else(String::new, |(it, _)| it.to_owned()),
            url: shown_url(&store.url),
            scope: store.scope.scope_type.as_str(),
            zone_id: store.scope.zone_id,
            zone_name: zone.map(|zone| zone.name.clone()),
            read_only: store.read_only,
            weight: store.weight,
            total: is_known.then_some(store.capacity_bytes),
            used: is_known.then_some(store.used_bytes),
            objects: objects.len() as u64,
            created: format_us(store.created_us),
            state: store.state.as_str(),
            role: store.role.as_str(),
            unavailable: names.services().orchestration.image_stores.unavailable(store),
            quarantine: store.quarantine.clone(),
            bandwidth: store.bandwidth,
        })
    }
}
