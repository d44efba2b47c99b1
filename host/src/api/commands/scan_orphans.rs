//! `scanOrphans`: what back end and store say differently.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{OrphanClassWord as Class, OrphanResponse};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::{Explicit, Id};
use crate::api::word::Word;

pub(super) const COMMAND: Command = Command {
    name: "scanOrphans",
    description: "Compares what storage pools list with what this host knows, in both directions, \
                  and lists what is odd. Changes nothing (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: OrphanResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "storageid" storage: Option<Explicit<Id>> => "the storage pool or image store to compare; all of them if none is given";
        "class"     class: Option<Word<Class>> => "only this class: unknown, leftover, misplaced, missing, foreign, unscanned";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let pool = call.data_store("storageid", list.own.storage.map(|Explicit(id)| id)).await?;
    let scans = call.services.orchestration.reconcile.scan(pool).await?;
    let mut orphans: Vec<OrphanResponse> =
        scans.into_iter().flat_map(OrphanResponse::all_of).collect();
    orphans.retain(|orphan| list.own.class.is_none_or(|Word(class)| class == orphan.class()));
    list.reply("orphan", &orphans)
}
