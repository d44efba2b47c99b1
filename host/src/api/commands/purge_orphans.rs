//! `purgeOrphans`: deletes the leftovers of volumes and snapshots that were removed.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::OrphanResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::{Explicit, Id};

pub(super) const COMMAND: Command = Command {
    name: "purgeOrphans",
    description: "Deletes objects of this installation whose records say that they were removed, \
                  and no others. Answers when they are gone (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: OrphanResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "storageid" storage: Option<Explicit<Id>>   => "the storage pool; all of them if none is given";
        "dryrun"    dry_run: Option<Explicit<bool>> => "only tell what would be deleted; this is so unless it is false";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let pool = call.data_store("storageid", params.storage.map(|Explicit(id)| id)).await?;
    let dry_run = params.dry_run.is_none_or(|Explicit(dry_run)| dry_run);
    let reconcile = &call.services.orchestration.reconcile;
    let purged = reconcile.purge(&call.request(), pool, dry_run).await?;
    let purged: Vec<OrphanResponse> =
        purged.into_iter().map(|one| OrphanResponse::of_purged(one, dry_run)).collect();
    Reply::list("orphan", purged.len(), &purged)
}
