//! `resizeVolume`: another size, or another disk offering.

use super::create_volume::size;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{DiskOffering, Volume};
use crate::orchestration::volume::ResizeVolume;

pub(super) const COMMAND: Command = Command {
    name: "resizeVolume",
    description: "Resizes a volume.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"             id: Id                    => "the ID of the disk volume";
        "size"           size: Option<i64>         => "New volume size in GiB";
        "sizebytes"      size_bytes: Option<i64>
            => "new volume size in bytes, instead of size (an extension of this host)";
        "diskofferingid" disk_offering: Option<Id> => "new disk offering id";
        "shrinkok"       shrink_ok: Option<bool>   => "Verify OK to Shrink";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let wish = ResizeVolume {
        size_bytes: size(params.size, params.size_bytes)?,
        disk_offering: call.uuid_of::<DiskOffering>("diskofferingid", params.disk_offering).await?,
        shrink_ok: params.shrink_ok.unwrap_or_default(),
    };
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.resize(&call.request(), volume.uuid, wish).await?;
    Ok(Reply::job(begun.operation, None))
}
