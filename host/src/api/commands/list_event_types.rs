//! `listEventTypes`: the types of events that this host records.
//!
//! **Invariant:** the list has no table of its own: an operation records events of the name of its
//! flow, and whatever else was recorded is known from the events themselves.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::param::Inputs;
use crate::api::reply::Reply;
use crate::store::EventFilter;
use std::collections::BTreeSet;

pub(super) const COMMAND: Command = Command {
    name: "listEventTypes",
    description: "List Event Types",
    since: None,
    is_async: false,
    begins: false,
    params: <() as Inputs>::PARAMS,
    response: EventTypeResponse::FIELDS,
    run: handler!(run),
};

response! {
    struct EventTypeResponse {
        "name" name: String => "Event Type";
    }
}

async fn run(call: Call, (): ()) -> Result<Reply, ApiError> {
    let mut names: BTreeSet<String> =
        call.jobs().flow_names().into_iter().map(str::to_uppercase).collect();
    let events = call.repository().list_events(&EventFilter::default()).await?;
    names.extend(events.into_iter().map(|event| event.event.event_type));
    let types: Vec<_> = names.into_iter().map(|name| EventTypeResponse { name }).collect();
    Reply::list("eventtypes", types.len(), &types)
}
