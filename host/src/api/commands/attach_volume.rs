//! `attachVolume`: a volume becomes a disk of an instance.
//!
//! The job's answer says how the instance's hypervisor host reaches it, secrets included.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Instance, Volume};

pub(super) const COMMAND: Command = Command {
    name: "attachVolume",
    description: "Attaches a disk volume to a virtual machine.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"               id: Id              => "the ID of the disk volume";
        "virtualmachineid" instance: Id        => "the ID of the virtual machine";
        "deviceid"         device: Option<i64> => "the ID of the device to map the volume to within the guest OS; the first free one if none is given";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let instance = call.find::<Instance>("virtualmachineid", params.instance).await?;
    let device = params.device.map(device).transpose()?;
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.attach(&call.request(), volume.uuid, instance.uuid, device).await?;
    Ok(Reply::job(begun.operation, None))
}

/// The number of a device.
pub(super) fn device(number: i64) -> Result<u32, ApiError> {
    u32::try_from(number).map_err(|_| {
        ApiError::invalid_parameter(format!(
            "Invalid value for parameter deviceid: {number} is not the number of a device"
        ))
    })
}
