//! `deleteHost`: a hypervisor host that nothing runs on.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::SuccessResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Host;

pub(super) const COMMAND: Command = Command {
    name: "deleteHost",
    description: "Deletes a host. Answers when it is gone.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: SuccessResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"     id: Id               => "the host ID";
        "forced" forced: Option<bool> => "remove the host although a storage provider does not agree";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let host = call.find::<Host>("id", params.id).await?;
    let hosts = &call.services.orchestration.hypervisor_hosts;
    let forced = params.forced.unwrap_or_default();
    let begun = hosts.delete(&call.request(), host.uuid, forced).await?;
    call.outcome(begun.operation).await
}
