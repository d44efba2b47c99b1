//! `listDiskOfferings`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::DiskOfferingResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::{Word, word_list};
use crate::model::DiskOffering;
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listDiskOfferings",
    description: "Lists all available disk offerings.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: DiskOfferingResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"    id: Option<Id>        => "ID of the disk offering";
        "name"  name: Option<String>  => "name of the disk offering";
        "state" state: Option<Word<Wanted>> => "state of the disk offering: Active (the default), Inactive or all";
    }
}

word_list! {
    /// Which offerings are listed.
    enum Wanted { Active = "Active", Inactive = "Inactive", All = "all" }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter { name: own.name.clone(), ..Filter::default() };
    let Word(state) = own.state.unwrap_or(Word(Wanted::Active));
    let mut offerings = call.services.orchestration.zones.list::<DiskOffering>(&filter).await?;
    offerings.retain(|offering| {
        list.matches(&offering.name)
            && Id::is_wanted(own.id, None, offering.uuid, offering.id)
            && match state {
                Wanted::Active => offering.active,
                Wanted::Inactive => !offering.active,
                Wanted::All => true,
            }
    });
    list.reply_shown(&call, &offerings).await
}
