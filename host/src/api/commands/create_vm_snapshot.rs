//! `createVMSnapshot`: all volumes of an instance at one moment.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VmSnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Instance;
use crate::orchestration::vm_snapshot::CreateVmSnapshot;

pub(super) const COMMAND: Command = Command {
    name: "createVMSnapshot",
    description: "Creates snapshot for a vm: of all its volumes at one moment, or of none.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VmSnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "virtualmachineid" instance: Id                => "The ID of the vm";
        "name"             name: Option<String>        => "The display name of the snapshot; no other one of the vm has it";
        "description"      description: Option<String> => "The description of the snapshot";
        "snapshotmemory"   memory: Option<bool>        => "snapshot memory if true; refused where no strategy can, see listVMSnapshotStrategies";
        "quiescevm"        quiesce: Option<bool>       => "quiesce vm if true; refused where no strategy can, see listVMSnapshotStrategies";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let wish = CreateVmSnapshot {
        instance: call.find::<Instance>("virtualmachineid", params.instance).await?.uuid,
        name: params.name.filter(|name| !name.trim().is_empty()),
        description: params.description,
        memory: params.memory.unwrap_or_default(),
        quiesce_vm: params.quiesce.unwrap_or_default(),
    };
    let begun = call.services.orchestration.vm_snapshots.create(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}
