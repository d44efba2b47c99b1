//! `createDiskOffering`.

use super::create_storage_pool::positive;
use super::create_volume::size;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{DiskOfferingResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::word::Word;
use crate::model::DiskOffering;
use storage_plugin_api::{ProvisioningType, QualityOfService};
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "createDiskOffering",
    description: "Creates a disk offering.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: DiskOfferingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"             name: String                 => "name of the disk offering";
        "displaytext"      display_text: Option<String> => "an alternate display text of the disk offering, defaults to the name";
        "disksize"         size_gib: Option<i64>        => "size of the disk offering in GB (1GB = 1,073,741,824 bytes)";
        "customized"       customized: Option<bool>     => "whether disk offering size is custom or not";
        "provisioningtype" provisioning: Option<Word<ProvisioningType>> => "provisioning type used to create volumes: thin, sparse or fat";
        "tags"             tags: Option<Vec<String>>    => "tags for the disk offering";
        "miniops"          min_iops: Option<i64>        => "min iops of the disk offering";
        "maxiops"          max_iops: Option<i64>        => "max iops of the disk offering";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let is_customized = params.customized.unwrap_or(params.size_gib.is_none());
    let size_bytes = match (is_customized, size(params.size_gib, None)?) {
        (true, None) => None,
        (false, Some(bytes)) => Some(bytes),
        (true, Some(_)) => {
            return Err(ApiError::invalid_parameter(
                "disksize is not allowed for a custom disk offering; give only one of disksize \
                 and customized=true",
            ));
        }
        (false, None) => {
            return Err(ApiError::invalid_parameter(
                "disksize is required for a non-custom disk offering",
            ));
        }
    };
    let provisioning_type = params.provisioning.map_or(ProvisioningType::Thin, |Word(one)| one);
    let mut quality_of_service = QualityOfService::default();
    quality_of_service.min_iops = positive("miniops", params.min_iops)?;
    quality_of_service.max_iops = positive("maxiops", params.max_iops)?;
    let offering = DiskOffering {
        uuid: Uuid::new_v4(),
        display_text: params.display_text.unwrap_or_else(|| params.name.clone()),
        name: params.name,
        size_bytes,
        provisioning_type,
        quality_of_service,
        tags: params.tags.unwrap_or_default(),
        active: true,
    };
    call.services.orchestration.zones.create_disk_offering(&offering).await?;
    reply_shown::<DiskOffering>(&call, offering.uuid).await
}
