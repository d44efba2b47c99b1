//! `listSnapshots`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{SnapshotResponse, kind_of};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::{Word, Words as _, word_list};
use crate::model::{StoragePool, Volume, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listSnapshots",
    description: "Lists all available snapshots.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"           id: Option<Id>                => "lists snapshot by snapshot ID";
        "ids"          ids: Option<Vec<Id>>          => "the IDs of the snapshots, mutually exclusive with id";
        "name"         name: Option<String>          => "lists snapshot by snapshot name";
        "volumeid"     volume: Option<Id>            => "the ID of the disk volume";
        "zoneid"       zone: Option<Id>              => "list snapshots by zone id";
        "storageid"    storage: Option<Id>           => "list snapshots by storage pool";
        "snapshottype" kind: Option<Word<Kind>>      => "valid values are MANUAL, RECURRING or GROUP: members of VM snapshots, which are listed only if they are asked for, by this or by their IDs";
        "intervaltype" interval: Option<Word<Interval>> => "valid values are HOURLY, DAILY, WEEKLY, and MONTHLY; MANUAL and GROUP for those of no policy";
        "locationtype" location: Option<Word<Location>> => "list snapshots by location type: PRIMARY or SECONDARY";
    }
}

word_list! {
    /// What made a snapshot.
    enum Kind { Manual = "MANUAL", Recurring = "RECURRING", Group = "GROUP" }
}

word_list! {
    /// How often the policy is due that made it; else what made it.
    enum Interval {
        Hourly = "HOURLY",
        Daily = "DAILY",
        Weekly = "WEEKLY",
        Monthly = "MONTHLY",
        Manual = "MANUAL",
        Group = "GROUP",
    }
}

word_list! {
    /// Where its bytes are.
    enum Location { Primary = "PRIMARY", Secondary = "SECONDARY" }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<Volume>("volumeid", own.volume).await?,
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let storage = call.filter_uuid::<StoragePool>("storageid", own.storage).await?;
    // Members of instance snapshots are the affair of those.
    let asks_for_members = own.id.is_some() || own.ids.is_some() || own.kind.is_some();
    let mut snapshots = call.services.orchestration.snapshots.list(&filter).await?;
    snapshots.retain(|snapshot| {
        list.matches(&snapshot.name)
            && Id::is_wanted(own.id, own.ids.as_deref(), snapshot.uuid, snapshot.id)
            && storage.is_none_or(|storage| snapshot.pool == storage)
            && own.kind.is_none_or(|Word(kind)| kind.word() == kind_of(snapshot))
            && (asks_for_members || snapshot.vm_snapshot.is_none())
            && own.interval.is_none_or(|Word(interval)| interval.word() == snapshot.snapshot_type)
    });
    if let Some(Word(location)) = own.location {
        let service = &call.services.orchestration.snapshots;
        let mut kept = Vec::new();
        for snapshot in snapshots {
            let is_there = match location {
                Location::Primary => snapshot.on_primary,
                Location::Secondary => !service.places(snapshot.uuid).await?.is_empty(),
            };
            if is_there {
                kept.push(snapshot);
            }
        }
        snapshots = kept;
    }
    list.reply_shown(&call, &snapshots).await
}
