//! `updateHost`: a hypervisor host is renamed, disabled or enabled.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::HostResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Host;
use crate::orchestration::hypervisor_host::UpdateHost;

pub(super) const COMMAND: Command = Command {
    name: "updateHost",
    description: "Updates a host.",
    since: None,
    is_async: false,
    params: Params::PARAMS,
    response: HostResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"              id: Id                 => "the ID of the host to update";
        "name"            name: Option<String>   => "change the name of host";
        "allocationstate" state: Option<String>  => "change resource state of host: Enable or Disable";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let host = call.find::<Host>("id", params.id).await?;
    let enabled = params.state.as_deref().map(is_enabled).transpose()?;
    let wish = UpdateHost { name: params.name, enabled };
    let hosts = &call.services.orchestration.hypervisor_hosts;
    let begun = hosts.update(&call.request(), host.uuid, wish).await?;
    call.outcome(begun.operation).await
}

fn is_enabled(word: &str) -> Result<bool, ApiError> {
    match word.to_ascii_lowercase().as_str() {
        "enable" | "enabled" => Ok(true),
        "disable" | "disabled" => Ok(false),
        _ => Err(ApiError::invalid_parameter(
            "Invalid value for parameter allocationstate: use Enable or Disable",
        )),
    }
}
