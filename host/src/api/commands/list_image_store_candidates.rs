//! `listImageStoreCandidates`: which image store would take something new, and why;
//! `storage-host explain image-store` shows it.

use super::create_storage_pool::positive;
use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::Zone;
use crate::orchestration::image_store::Candidate;
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "listImageStoreCandidates",
    description: "Lists the image stores of a zone in the order in which something new would go to \
                  them, and why. Takes nothing (an extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: CandidateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "zoneid" zone: Id                          => "the zone that needs it";
        "format" format: Option<Word<ImageFormat>> => "its format, as registerTemplate takes it; RAW if none is given";
        "size"   size: Option<i64>                 => "how many bytes it has, where that is known";
    }
}

response! {
    struct CandidateResponse {
        "imagestore" store: String       => "the name of the image store";
        "id"         id: Uuid            => "the ID of the image store";
        "wins"       wins: bool          => "it would take it: the first that can";
        "takes"      takes: bool         => "whether it could take it";
        "weight"     weight: u32         => "its weight";
        "room"       room: Option<u64>   => "how many bytes it can still take, where that is known";
        "reason"     reason: String      => "why";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let zone = call.find::<Zone>("zoneid", own.zone).await?;
    let format = own.format.map_or(ImageFormat::Raw, |format| format.0);
    let size = positive("size", own.size)?.unwrap_or_default();
    let stores = &call.services.orchestration.image_stores;
    let candidates = stores.explain(zone.uuid, format, size).await?;
    let mut shown: Vec<CandidateResponse> =
        candidates.iter().enumerate().map(|(place, one)| show(place, one)).collect();
    shown.retain(|one| list.matches(&one.store));
    list.reply("imagestorecandidate", &shown)
}

fn show(place: usize, one: &Candidate) -> CandidateResponse {
    let Candidate { store, verdict } = one;
    let is_known = store.capacity_bytes > 0;
    CandidateResponse {
        store: store.name.clone(),
        id: store.uuid,
        wins: place == 0 && verdict.rank.is_some(),
        takes: verdict.rank.is_some(),
        weight: store.weight,
        room: is_known.then(|| store.capacity_bytes.saturating_sub(store.used_bytes)),
        reason: verdict.reason.clone(),
    }
}
