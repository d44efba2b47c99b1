//! `getPathForVolume`: how the pool's driver finds a volume.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;

pub(super) const COMMAND: Command = Command {
    name: "getPathForVolume",
    description: "Get the path associated with the provided volume UUID.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: PathResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "volumeid" volume: Id => "The ID of the volume";
    }
}

response! {
    struct PathResponse {
        "path" path: String => "The path of the volume on its storage pool";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("volumeid", params.volume).await?;
    Reply::object("path", &PathResponse { path: volume.path.clone() })
}
