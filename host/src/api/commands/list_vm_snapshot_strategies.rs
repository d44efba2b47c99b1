//! `listVMSnapshotStrategies`: what each strategy says to a snapshot of an instance, and which one
//! would take it; `storage-host explain vm-snapshot` shows it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::objects::HOST;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::Instance;
use crate::orchestration::vm_snapshot::{Strategy, Verdict};

pub(super) const COMMAND: Command = Command {
    name: "listVMSnapshotStrategies",
    description: "Lists what each strategy says to a snapshot of a vm, in the order in which they \
                  are asked, and which one would take it. Takes nothing (an extension of this \
                  host).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: StrategyResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "virtualmachineid" instance: Id          => "The ID of the vm";
        "snapshotmemory"   memory: Option<bool>  => "as it would be asked of createVMSnapshot";
        "quiescevm"        quiesce: Option<bool> => "as it would be asked of createVMSnapshot";
    }
}

response! {
    struct StrategyResponse {
        "strategy" strategy: String       => "whose strategy it is: the name of a provider, or Host";
        "priority" priority: &'static str => "CANT_HANDLE, DEFAULT, HYPERVISOR or HIGHEST";
        "wins"     wins: bool             => "it would take the snapshot: the first with the highest priority";
        "reason"   reason: String         => "why";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let instance = call.find::<Instance>("virtualmachineid", own.instance).await?;
    let (memory, quiesce) = (own.memory.unwrap_or_default(), own.quiesce.unwrap_or_default());
    let vm_snapshots = &call.services.orchestration.vm_snapshots;
    let verdicts = vm_snapshots.explain(instance.uuid, memory, quiesce).await?;
    let mut verdicts: Vec<StrategyResponse> = verdicts.into_iter().map(Into::into).collect();
    verdicts.retain(|verdict| list.matches(&verdict.strategy));
    list.reply("vmsnapshotstrategy", &verdicts)
}

impl From<Verdict> for StrategyResponse {
    fn from(verdict: Verdict) -> Self {
        Self {
            strategy: match verdict.strategy {
                Strategy::Host => HOST.to_owned(),
                Strategy::Provider(name) => name,
            },
            priority: verdict.priority.as_str(),
            wins: verdict.wins,
            reason: verdict.reason,
        }
    }
}
