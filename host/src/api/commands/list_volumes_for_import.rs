//! `listVolumesForImport`: what lies on a pool and belongs to nobody here.
//!
//! The only list that asks a plugin: its objects have no record.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeForImportResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;

pub(super) const COMMAND: Command = Command {
    name: "listVolumesForImport",
    description: "Lists unmanaged volumes on a storage pool that can be imported.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: VolumeForImportResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "storageid" storage: Id          => "the ID of the storage pool";
        "path"      path: Option<String>, length = 1024 => "the path of the volume on the storage pool";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("storageid", list.own.storage).await?;
    let path = list.own.path.as_deref();
    let found = call.services.orchestration.volumes.list_for_import(pool.uuid, path).await?;
    let found: Vec<VolumeForImportResponse> = found
        .iter()
        .filter(|object| list.matches(&object.path))
        .map(|object| VolumeForImportResponse::of(&pool, object))
        .collect();
    list.reply("volumesforimport", &found)
}
