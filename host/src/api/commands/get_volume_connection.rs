//! `getVolumeConnection`: how a hypervisor host reaches an attached volume.
//!
//! The one command that shows the secrets of a connection, beside the answer of `attachVolume`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeConnectionResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "getVolumeConnection",
    description: "Tells how the hypervisor host of its instance reaches a volume, with the secrets it needs (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: VolumeConnectionResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the disk volume";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", params.id).await?;
    let found = VolumeConnectionResponse::of(&call, volume.uuid).await?;
    let connection = found.ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "volume {:?} is not attached to any instance",
            volume.name
        ))
    })?;
    Reply::object("volumeconnection", &connection)
}
