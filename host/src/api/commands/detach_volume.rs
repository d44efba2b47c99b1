//! `detachVolume`: a volume is no longer a disk of its instance.

use super::attach_volume::device;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Instance, Volume};

pub(super) const COMMAND: Command = Command {
    name: "detachVolume",
    description: "Detaches a disk volume from a virtual machine.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"               id: Option<Id>       => "the ID of the disk volume";
        "virtualmachineid" instance: Option<Id> => "the ID of the virtual machine where the volume is detached from, together with deviceid";
        "deviceid"         number: Option<i64>  => "the device ID on the virtual machine where volume is detached from";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volumes = &call.services.orchestration.volumes;
    let volume = match (params.id, params.instance, params.number) {
        (Some(id), None, None) => call.find::<Volume>("id", id).await?.uuid,
        (None, Some(instance), Some(number)) => {
            let instance = call.find::<Instance>("virtualmachineid", instance).await?;
            volumes.find_device(instance.uuid, device(number)?).await?
        }
        _ => {
            return Err(ApiError::invalid_parameter(
                "give either id, or virtualmachineid together with deviceid",
            ));
        }
    };
    let begun = volumes.detach(&call.request(), volume).await?;
    Ok(Reply::job(begun.operation, None))
}
