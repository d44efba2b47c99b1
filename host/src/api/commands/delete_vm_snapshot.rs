//! `deleteVMSnapshot`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::VmSnapshot;

pub(super) const COMMAND: Command = Command {
    name: "deleteVMSnapshot",
    description: "Deletes a vmsnapshot, with the snapshots of all its volumes. Those that were \
                  taken after it stay.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "vmsnapshotid" id: Id => "The ID of the VM snapshot";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let vm_snapshot = call.find::<VmSnapshot>("vmsnapshotid", params.id).await?;
    let vm_snapshots = &call.services.orchestration.vm_snapshots;
    let begun = vm_snapshots.delete(&call.request(), vm_snapshot.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
