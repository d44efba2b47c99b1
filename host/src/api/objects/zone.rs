//! A zone, as `listZones` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::model::{Record, Stored, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct ZoneResponse {
        "id"              id: Uuid                      => "Zone id";
        "name"            name: String                  => "Zone name";
        "networktype"     network_type: String          => "the network type of the zone; can be Basic or Advanced";
        "allocationstate" allocation_state: &'static str => "the allocation state of the zone";
        "localstorageenabled" local_storage: bool       => "true if local storage offering enabled, false otherwise";
        "securitygroupsenabled" security_groups: bool   => "true if security groups support is enabled, false otherwise";
    }
}

impl Shown for Zone {
    const OBJECT_NAME: &'static str = "zone";
    type Response = ZoneResponse;

    async fn show(_: &mut Names, zone: &Stored<Self>) -> Result<ZoneResponse, ApiError> {
        Ok(ZoneResponse {
            id: zone.uuid,
            name: zone.name.clone(),
            network_type: zone.network_type.clone(),
            allocation_state: zone.index().state,
            local_storage: true,
            security_groups: false,
        })
    }
}
