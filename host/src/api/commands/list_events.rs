//! `listEvents`: what happened, the newest first.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::EventResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::timestamp::micros;
use crate::api::values::{Date, Id, LastMoment};
use crate::api::word::Word;
use crate::model::{Event, EventLevel};
use crate::store::EventFilter;

pub(super) const COMMAND: Command = Command {
    name: "listEvents",
    description: "A command to list events.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: EventResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"           id: Option<Id>                => "the ID of the event";
        "type"         kind: Option<String>          => "the event type (see event types)";
        "level"        level: Option<Word<EventLevel>> => "the event level (INFO, WARN, ERROR)";
        "startdate"    start: Option<Date>           => "the start date range of the list you want to retrieve";
        "enddate"      end: Option<LastMoment>       => "the end date range of the list you want to retrieve; a day means its end";
        "resourceid"   resource: Option<Id>          => "the ID of the resource associated with the event";
        "resourcetype" resource_type: Option<String> => "the type of the resource associated with the event";
        "account"      account: Option<String>       => "list events by account";
        "number"       number: Option<i64>
            => "only events after this number: what a client that has seen all up to it has missed (an extension of this host)";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let object = match own.resource {
        None => None,
        Some(Id::Uuid(uuid)) => Some(uuid),
        Some(_) => return Reply::list::<EventResponse>("event", 0, &[]),
    };
    let after = own.number.unwrap_or_default();
    let after = u64::try_from(after).map_err(|_| {
        ApiError::invalid_parameter(format!(
            "Invalid value for parameter number: {after} is no number of an event; they begin at 1"
        ))
    })?;
    let start = own.start.map(|Date(moment)| micros(moment));
    let end = own.end.map(|LastMoment(moment)| micros(moment));
    let is = |wanted: &Option<String>, text: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(text))
    };
    let filter = EventFilter { object, after, limit: 0 };
    let mut events = call.repository().list_events(&filter).await?;
    events.retain(|Event { number, at_us, event }| {
        let resource_type = event.object.map(|(kind, _)| kind.as_str().replace('_', ""));
        Id::is_wanted(own.id, None, EventResponse::id_of(*number), *number)
            && list.matches(&event.description)
            && is(&own.kind, &event.event_type)
            && is(&own.account, &event.account)
            && is(&own.resource_type, resource_type.as_deref().unwrap_or_default())
            && own.level.is_none_or(|Word(level)| level == event.level)
            && start.is_none_or(|start| *at_us >= start)
            && end.is_none_or(|end| *at_us <= end)
    });
    let total = events.len();
    let page: Vec<EventResponse> =
        list.page.of_all(&events).iter().cloned().map(EventResponse::of).collect();
    Reply::list("event", total, &page)
}
