//! `listSnapshotPolicies`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotPolicyResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Volume;
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listSnapshotPolicies",
    description: "Lists snapshot policies.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: SnapshotPolicyResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"         id: Option<Id>             => "the ID of the snapshot policy";
        "volumeid"   volume: Option<Id>         => "the ID of the disk volume";
        "fordisplay" is_displayed: Option<bool> => "list resources by display flag; only ROOT admin is eligible to pass this parameter";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let owner = call.filter_uuid::<Volume>("volumeid", own.volume).await?;
    let filter = Filter { owner, ..Filter::default() };
    let mut policies = call.services.orchestration.snapshot_policies.list(&filter).await?;
    policies.retain(|policy| {
        list.matches(policy.schedule.interval.as_str())
            && Id::is_wanted(own.id, None, policy.uuid, policy.id)
            && own.is_displayed.is_none_or(|wanted| policy.is_displayed == wanted)
    });
    list.reply_shown(&call, &policies).await
}
