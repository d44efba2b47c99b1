//! `listClusters`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::ClusterResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Cluster, Pod, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listClusters",
    description: "Lists clusters.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: ClusterResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"         id: Option<Id>             => "lists clusters by the cluster ID";
        "name"       name: Option<String>       => "lists clusters by the cluster name";
        "zoneid"     zone: Option<Id>           => "lists clusters by Zone ID";
        "podid"      pod: Option<Id>            => "lists clusters by Pod ID";
        "hypervisor" hypervisor: Option<String> => "lists clusters by hypervisor type";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<Pod>("podid", own.pod).await?,
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let mut clusters = call.services.orchestration.zones.list::<Cluster>(&filter).await?;
    clusters.retain(|cluster| {
        list.matches(&cluster.name)
            && Id::is_wanted(own.id, None, cluster.uuid, cluster.id)
            && own
                .hypervisor
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&cluster.hypervisor))
    });
    list.reply_shown(&call, &clusters).await
}
