//! `listDiskOfferings`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::DiskOfferingResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{DiskOffering, Record};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listDiskOfferings",
    description: "Lists all available disk offerings.",
    since: None,
    is_async: false,
    params: Listing::<Params>::PARAMS,
    response: DiskOfferingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"    id: Option<Id>        => "ID of the disk offering";
        "name"  name: Option<String>  => "name of the disk offering";
        "state" state: Option<String> => "state of the disk offering: Active (the default), Inactive or all";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter { name: own.name.clone(), ..Filter::default() };
    let state = own.state.as_deref().unwrap_or("Active");
    let is_any = state.eq_ignore_ascii_case("all");
    let mut offerings = call.services.orchestration.zones.list::<DiskOffering>(&filter).await?;
    offerings.retain(|offering| {
        list.matches(&offering.name)
            && Id::is_wanted(own.id, None, offering.uuid, offering.id)
            && (is_any || offering.index().state.eq_ignore_ascii_case(state))
    });
    list.reply_shown(&call, &offerings).await
}
