//! A disk offering, as `listDiskOfferings` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{DiskOffering, Record, Stored};
use uuid::Uuid;

response! {
    pub(in crate::api) struct DiskOfferingResponse {
        "id"               id: Uuid              => "unique ID of the disk offering";
        "name"             name: String          => "the name of the disk offering";
        "displaytext"      display_text: String  => "an alternate display text of the disk offering";
        "disksize"         size_gib: u64         => "the size of the disk offering in GB; 0 where the caller chooses";
        "iscustomized"     is_customized: bool   => "true if disk offering uses custom size, false otherwise";
        "iscustomizediops" is_customized_iops: bool => "true if disk offering uses custom iops, false otherwise";
        "provisioningtype" provisioning_type: &'static str => "provisioning type used to create volumes";
        "storagetype"      storage_type: &'static str => "the storage type for this disk offering";
        "tags"             tags: Option<String>  => "the tags for the disk offering";
        "miniops"          min_iops: Option<u64> => "the min iops of the disk offering";
        "maxiops"          max_iops: Option<u64> => "the max iops of the disk offering";
        "displayoffering"  display: bool         => "whether to display the offering to the end user or not";
        "state"            state: &'static str   => "state of the disk offering";
        "created"          created: String       => "the date this disk offering was created";
    }
}

impl Shown for DiskOffering {
    const OBJECT_NAME: &'static str = "diskoffering";
    type Response = DiskOfferingResponse;

    async fn show(
        _: &mut Names,
        offering: &Stored<Self>,
    ) -> Result<DiskOfferingResponse, ApiError> {
        let tags = offering.tags.join(",");
        Ok(DiskOfferingResponse {
            id: offering.uuid,
            name: offering.name.clone(),
            display_text: offering.display_text.clone(),
            size_gib: offering.size_bytes.unwrap_or_default() >> 30,
            is_customized: offering.size_bytes.is_none(),
            is_customized_iops: false,
            provisioning_type: offering.provisioning_type.as_str(),
            storage_type: "shared",
            tags: Some(tags).filter(|tags| !tags.is_empty()),
            min_iops: offering.quality_of_service.min_iops,
            max_iops: offering.quality_of_service.max_iops,
            display: true,
            state: offering.index().state,
            created: format_us(offering.created_us),
        })
    }
}
