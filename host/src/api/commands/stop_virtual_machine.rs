//! `stopVirtualMachine`: its hypervisor host is shut out of its volumes.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::InstanceResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Instance;

pub(super) const COMMAND: Command = Command {
    name: "stopVirtualMachine",
    description: "Stops a virtual machine.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: InstanceResponse::FIELDS,
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
    let begun = instances.stop(&call.request(), instance.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
