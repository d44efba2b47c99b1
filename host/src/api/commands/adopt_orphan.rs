//! `adoptOrphan`: an object whose record is lost becomes a volume again.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::StoragePool;

pub(super) const COMMAND: Command = Command {
    name: "adoptOrphan",
    description: "Makes a volume of an object that bears the id of this installation and has no \
                  record, under the object's own id (an extension of this host).",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"        id: Id      => "the ID of the object, as scanOrphans lists it";
        "storageid" storage: Id => "the storage pool that it is on";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.find::<StoragePool>("storageid", params.storage).await?;
    let Id::Uuid(object) = params.id else {
        return Err(ApiError::no_such_entity("id", &params.id.to_string()));
    };
    let reconcile = &call.services.orchestration.reconcile;
    let begun = reconcile.adopt(&call.request(), pool.uuid, object).await?;
    call.outcome(begun.operation).await
}
