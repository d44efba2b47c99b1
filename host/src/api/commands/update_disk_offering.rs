//! `updateDiskOffering`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{DiskOfferingResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::{Word, word_list};
use crate::model::DiskOffering;

pub(super) const COMMAND: Command = Command {
    name: "updateDiskOffering",
    description: "Updates a disk offering.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: DiskOfferingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"          id: Id                       => "ID of the disk offering";
        "name"        name: Option<String>         => "updates name of the disk offering with this value";
        "displaytext" display_text: Option<String> => "updates alternate display text of the disk offering with this value";
        "tags"        tags: Option<Vec<String>>    => "comma-separated list of tags for the disk offering";
        "state"       state: Option<Word<Wish>> => "state of the disk offering: Active or Inactive";
    }
}

word_list! {
    /// What an offering is to be.
    enum Wish { Active = "Active", Inactive = "Inactive" }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let mut offering = call.find::<DiskOffering>("id", params.id).await?;
    let before = offering.name.clone();
    if let Some(name) = params.name {
        offering.name = name;
    }
    if let Some(display_text) = params.display_text {
        offering.display_text = display_text;
    }
    if let Some(tags) = params.tags {
        offering.tags = tags;
    }
    if let Some(Word(state)) = params.state {
        offering.active = state == Wish::Active;
    }
    call.services.orchestration.zones.update_disk_offering(&offering, &before).await?;
    reply_shown::<DiskOffering>(&call, offering.uuid).await
}
