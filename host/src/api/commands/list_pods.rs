//! `listPods`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::PodResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Pod, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listPods",
    description: "Lists all Pods.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: PodResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"     id: Option<Id>       => "list Pods by ID";
        "name"   name: Option<String> => "list Pods by name";
        "zoneid" zone: Option<Id>     => "list Pods by Zone ID";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let zone = call.filter_uuid::<Zone>("zoneid", own.zone).await?;
    let filter = Filter { name: own.name.clone(), zone, ..Filter::default() };
    let mut pods = call.services.orchestration.zones.list::<Pod>(&filter).await?;
    pods.retain(|pod| list.matches(&pod.name) && Id::is_wanted(own.id, None, pod.uuid, pod.id));
    list.reply_shown(&call, &pods).await
}
