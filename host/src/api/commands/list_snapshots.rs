//! `listSnapshots`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{SnapshotResponse, kind_of};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
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
        "snapshottype" kind: Option<String>          => "valid values are MANUAL, RECURRING or GROUP: members of VM snapshots, which are listed only if they are asked for, by this or by their IDs";
        "intervaltype" interval: Option<String>      => "valid values are HOURLY, DAILY, WEEKLY, and MONTHLY";
        "locationtype" location: Option<String>      => "list snapshots by location type: PRIMARY or SECONDARY";
    }
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
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    // Members of instance snapshots are the affair of those.
    let asks_for_members = own.id.is_some() || own.ids.is_some() || own.kind.is_some();
    let mut snapshots = call.services.orchestration.snapshots.list(&filter).await?;
    snapshots.retain(|snapshot| {
        list.matches(&snapshot.name)
            && Id::is_wanted(own.id, own.ids.as_deref(), snapshot.uuid, snapshot.id)
            && storage.is_none_or(|storage| snapshot.pool == storage)
            && is(&own.kind, kind_of(snapshot))
            && (asks_for_members || snapshot.vm_snapshot.is_none())
            && is(&own.interval, &snapshot.snapshot_type)
    });
    if let Some(location) = &own.location {
        let service = &call.services.orchestration.snapshots;
        let mut kept = Vec::new();
        for snapshot in snapshots {
            let is_secondary = !service.places(snapshot.uuid).await?.is_empty();
            let is_there = (snapshot.on_primary && location.eq_ignore_ascii_case("PRIMARY"))
                || (is_secondary && location.eq_ignore_ascii_case("SECONDARY"));
            if is_there {
                kept.push(snapshot);
            }
        }
        snapshots = kept;
    }
    list.reply_shown(&call, &snapshots).await
}
