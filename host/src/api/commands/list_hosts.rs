//! `listHosts`: the hypervisor hosts.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{HostResponse, HostStateWord, ResourceState, resource_state, state_of};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Cluster, Pod, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listHosts",
    description: "Lists hosts.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: HostResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"            id: Option<Id>             => "the id of the host";
        "name"          name: Option<String>       => "the name of the host";
        "zoneid"        zone: Option<Id>           => "the Zone ID for the host";
        "podid"         pod: Option<Id>            => "the Pod ID for the host";
        "clusterid"     cluster: Option<Id>        => "lists hosts existing in particular cluster";
        "hypervisor"    hypervisor: Option<String> => "hypervisor type of host";
        "state"         state: Option<Word<HostStateWord>> => "the state of the host";
        "resourcestate" resource: Option<Word<ResourceState>> => "list hosts by resource state: Enabled or Disabled";
        "type"          kind: Option<String>       => "the host type; this host knows Routing";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<Cluster>("clusterid", own.cluster).await?,
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let pod = call.filter_uuid::<Pod>("podid", own.pod).await?;
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    let mut hosts = call.services.orchestration.hypervisor_hosts.list(&filter).await?;
    hosts.retain(|host| {
        list.matches(&host.name)
            && Id::is_wanted(own.id, None, host.uuid, host.id)
            && pod.is_none_or(|pod| host.pod == pod)
            && is(&own.hypervisor, host.hypervisor.as_str())
            && own.state.is_none_or(|Word(state)| state == state_of(host.state))
            && own.resource.is_none_or(|Word(state)| state == resource_state(host.state))
            && is(&own.kind, "Routing")
    });
    list.reply_shown(&call, &hosts).await
}
