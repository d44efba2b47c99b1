//! `updateDiskOffering`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{DiskOfferingResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::DiskOffering;

pub(super) const COMMAND: Command = Command {
    name: "updateDiskOffering",
    description: "Updates a disk offering.",
    since: None,
    is_async: false,
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
        "state"       state: Option<String>        => "state of the disk offering: Active or Inactive";
    }
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
    match params.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => {}
        Some("active") => offering.active = true,
        Some("inactive") => offering.active = false,
        Some(_) => {
            return Err(ApiError::invalid_parameter(
                "Invalid value for parameter state: use Active or Inactive",
            ));
        }
    }
    call.services.orchestration.zones.update_disk_offering(&offering, &before).await?;
    reply_shown::<DiskOffering>(&call, offering.uuid).await
}
