//! `importVolume`: a volume that lies on a pool already is taken into care.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{DiskOffering, StoragePool};
use crate::orchestration::volume::ImportVolume;

pub(super) const COMMAND: Command = Command {
    name: "importVolume",
    description: "Imports an unmanaged volume from a storage pool.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "path"           path: String, length = 1024 => "the path of the volume on the storage pool";
        "storageid"      storage: Id                 => "the ID of the storage pool";
        "name"           name: Option<String>        => "the name of the volume; its path if none is given";
        "diskofferingid" disk_offering: Option<Id>   => "the ID of the disk offering linked to the volume";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("storageid", params.storage).await?;
    let wish = ImportVolume {
        pool: pool.uuid,
        path: params.path,
        name: params.name,
        disk_offering: call.uuid_of::<DiskOffering>("diskofferingid", params.disk_offering).await?,
    };
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.import(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, None))
}
