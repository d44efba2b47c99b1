//! `updateImageStore`.

use super::add_image_store::weight_of;
use super::create_storage_pool::{no_less_than_zero, positive};
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{ImageStoreResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::ImageStore;
use crate::orchestration::image_store::UpdateImageStore;

pub(super) const COMMAND: Command = Command {
    name: "updateImageStore",
    description: "Updates image store: its name, whether it takes something new, its weight, its limit.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: ImageStoreResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"            id: Id                      => "Image Store UUID";
        "name"          name: Option<String>        => "the new name for the Image Store";
        "readonly"      read_only: Option<bool>     => "if set to true, it designates the corresponding image store to read-only";
        "weight"        weight: Option<i32>         => "the store of the highest weight takes what is new (an extension of this host)";
        "capacitybytes" capacity_bytes: Option<i64> => "the number of bytes the host can use on this image storage";
        "bandwidth"     bandwidth: Option<i64>      => "bytes a second that the host moves to and from it, all transfers together; 0 for no limit (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let store = call.find::<ImageStore>("id", params.id).await?;
    let wish = UpdateImageStore {
        name: params.name,
        read_only: params.read_only,
        weight: weight_of(params.weight)?,
        capacity_bytes: positive("capacitybytes", params.capacity_bytes)?,
        bandwidth: no_less_than_zero("bandwidth", params.bandwidth)?,
    };
    let store = call.services.orchestration.image_stores.update(store.uuid, wish).await?;
    reply_shown::<ImageStore>(&call, store.uuid).await
}
