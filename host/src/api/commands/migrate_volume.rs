//! `migrateVolume`: a detached volume moves to another pool.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{StoragePool, Volume};

pub(super) const COMMAND: Command = Command {
    name: "migrateVolume",
    description: "Migrates a detached volume to another storage pool.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "volumeid"  volume: Id  => "the ID of the volume";
        "storageid" storage: Id => "destination storage pool ID to migrate the volume to";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("volumeid", params.volume).await?;
    let pool = call.find::<StoragePool>("storageid", params.storage).await?;
    let volumes = &call.services.orchestration.volumes;
    let begun = volumes.migrate(&call.request(), volume.uuid, pool.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
