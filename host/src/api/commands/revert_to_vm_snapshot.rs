//! `revertToVMSnapshot`: the volumes of an instance go back, in place, all of them.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::InstanceResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::VmSnapshot;

pub(super) const COMMAND: Command = Command {
    name: "revertToVMSnapshot",
    description: "Revert VM from a vmsnapshot: all its volumes, or none. Of one without memory the \
                  VM has to be stopped.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: InstanceResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "vmsnapshotid" id: Id => "The ID of the vm snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let vm_snapshot = call.find::<VmSnapshot>("vmsnapshotid", params.id).await?;
    let vm_snapshots = &call.services.orchestration.vm_snapshots;
    let begun = vm_snapshots.revert(&call.request(), vm_snapshot.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
