//! `copySnapshot`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::SnapshotResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{Snapshot, Zone};

pub(super) const COMMAND: Command = Command {
    name: "copySnapshot",
    description: "Copies a snapshot from one zone to another.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: SnapshotResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"           id: Id                 => "the ID of the snapshot";
        "destzoneids"  zones: Option<Vec<Id>> => "the ID of the zone that the snapshot is being copied to; one only";
        "destzoneid"   zone: Option<Id>       => "the same (an extension of this host)";
        "sourcezoneid" source: Option<Id>     => "the ID of the zone in which the snapshot currently exists; the nearest is taken if none is given";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let snapshot = call.find::<Snapshot>("id", params.id).await?;
    call.uuid_of::<Zone>("sourcezoneid", params.source).await?;
    let zone = match (params.zone, params.zones.as_deref()) {
        (Some(zone), None) => ("destzoneid", zone),
        (None, Some([zone])) => ("destzoneids", *zone),
        _ => {
            return Err(ApiError::invalid_parameter(
                "a snapshot is copied to one zone at a time: say which (destzoneids)",
            ));
        }
    };
    let zone = call.find::<Zone>(zone.0, zone.1).await?;
    let snapshots = &call.services.orchestration.snapshots;
    let begun = snapshots.copy(&call.request(), snapshot.uuid, zone.uuid).await?;
    Ok(Reply::job(begun.operation, None))
}
