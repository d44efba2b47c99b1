//! `updateHost`: a hypervisor host is renamed, disabled or enabled.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::HostResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::{Word, word_list};
use crate::model::Host;
use crate::orchestration::hypervisor_host::UpdateHost;

pub(super) const COMMAND: Command = Command {
    name: "updateHost",
    description: "Updates a host.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: HostResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"              id: Id                 => "the ID of the host to update";
        "name"            name: Option<String>   => "change the name of host";
        "allocationstate" state: Option<Word<Wish>> => "change resource state of host: Enable or Disable";
    }
}

word_list! {
    /// What a host is to be; older clients send what it then is.
    enum Wish { Enable = "Enable", Disable = "Disable", Enabled = "Enabled", Disabled = "Disabled" }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let host = call.find::<Host>("id", params.id).await?;
    let enabled = params.state.map(|Word(wish)| matches!(wish, Wish::Enable | Wish::Enabled));
    let wish = UpdateHost { name: params.name, enabled };
    let hosts = &call.services.orchestration.hypervisor_hosts;
    let begun = hosts.update(&call.request(), host.uuid, wish).await?;
    call.outcome(begun.operation).await
}
