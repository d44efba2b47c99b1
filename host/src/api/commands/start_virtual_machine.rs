//! `startVirtualMachine`: its hypervisor host is let in to its volumes.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::InstanceResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Host, Instance};

pub(super) const COMMAND: Command = Command {
    name: "startVirtualMachine",
    description: "Starts a virtual machine.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: InstanceResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"     id: Id           => "The ID of the virtual machine";
        "hostid" host: Option<Id> => "destination Host ID to deploy the VM to";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let instance = call.find::<Instance>("id", params.id).await?;
    let host = call.uuid_of::<Host>("hostid", params.host).await?;
    let instances = &call.services.orchestration.instances;
    let begun = instances.start(&call.request(), instance.uuid, host).await?;
    Ok(Reply::job(begun.operation, None))
}
