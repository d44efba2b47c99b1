//! An event, as `listEvents` shows it.

use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{Event, ROOT_DOMAIN};
use uuid::Uuid;

response! {
    pub(in crate::api) struct EventResponse {
        "id"           id: Uuid                      => "the ID of the event";
        "number"       number: u64                   => "its place in the sequence of all events, which has no gap (an extension of this host)";
        "type"         kind: String                  => "the type of the event (see listEventTypes)";
        "level"        level: &'static str           => "the event level (INFO, WARN, ERROR)";
        "description"  description: String           => "a brief description of the event";
        "account"      account: String               => "the account name for the account that owns the object being acted on in the event";
        "username"     username: String              => "the name of the user who performed the action";
        "domain"       domain: &'static str          => "the name of the account's domain";
        "created"      created: String               => "the date the event was created";
        "state"        state: &'static str           => "the state of the event";
        "resourceid"   resource_id: Option<Uuid>     => "the id of the resource";
        "resourcetype" resource_type: Option<String> => "the type of the resource";
        "jobid"        job: Option<Uuid>             => "the job in which it happened (an extension of this host)";
    }
}

impl EventResponse {
    /// Events have numbers; clients want ids that look like ids.
    pub(in crate::api) fn id_of(number: u64) -> Uuid {
        Uuid::from_u128(u128::from(number))
    }

    /// An event.
    pub(in crate::api) fn of(event: Event) -> Self {
        let Event { number, at_us, event } = event;
        Self {
            id: Self::id_of(number),
            number,
            kind: event.event_type,
            level: event.level.as_str(),
            description: event.description,
            username: event.account.clone(),
            account: event.account,
            domain: ROOT_DOMAIN,
            created: format_us(at_us),
            state: "Completed",
            resource_id: event.object.map(|(_, uuid)| uuid),
            resource_type: event.object.map(|(kind, _)| super::job::instance_type(kind.as_str())),
            job: event.operation,
        }
    }
}
