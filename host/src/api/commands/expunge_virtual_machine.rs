//! `expungeVirtualMachine`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Instance;

pub(super) const COMMAND: Command = Command {
    name: "expungeVirtualMachine",
    description: "Expunges a virtual machine. Its volumes are detached and stay.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "The ID of the virtual machine";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let instance = call.find::<Instance>("id", params.id).await?;
    let instances = &call.services.orchestration.instances;
    let begun = instances.destroy(&call.request(), instance.uuid, true).await?;
    Ok(Reply::job(begun.operation, None))
}
