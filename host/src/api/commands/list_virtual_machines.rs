//! `listVirtualMachines`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::InstanceResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Host, InstanceState, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listVirtualMachines",
    description: "List the virtual machines.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: InstanceResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"         id: Option<Id>             => "the ID of the virtual machine";
        "ids"        ids: Option<Vec<Id>>       => "the IDs of the virtual machines, mutually exclusive with id";
        "name"       name: Option<String>       => "name of the virtual machine";
        "state"      state: Option<Word<InstanceState>> => "state of the virtual machine";
        "zoneid"     zone: Option<Id>           => "the availability zone ID";
        "hostid"     host: Option<Id>           => "the host ID";
        "hypervisor" hypervisor: Option<String> => "the target hypervisor for the template";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<Host>("hostid", own.host).await?,
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    let mut instances = call.services.orchestration.instances.list(&filter).await?;
    instances.retain(|instance| {
        list.matches(&instance.name)
            && Id::is_wanted(own.id, own.ids.as_deref(), instance.uuid, instance.id)
            && own.state.is_none_or(|Word(state)| state == instance.state)
            // A stopped instance is on no host: it is shown with none.
            && (own.host.is_none() || instance.state.has_host())
            && is(&own.hypervisor, instance.hypervisor.as_str())
    });
    list.reply_shown(&call, &instances).await
}
