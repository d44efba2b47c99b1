//! `listOperations`: the journal. With `objectid` it is the timeline of an object.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{Names, OperationResponse};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::timestamp::micros;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::Phase;
use crate::store::OperationFilter;
use std::time::SystemTime;
use uuid::Uuid;

pub(super) const COMMAND: Command = Command {
    name: "listOperations",
    description: "Lists operations with the journal of their steps, the newest first (an \
                  extension of this host).",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: OperationResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"       id: Option<Id>            => "the ID of the operation, which is that of its job";
        "objectid" object: Option<Id>        => "only those about this object: its timeline";
        "phase"    phase: Option<Vec<Word<Phase>>> => "only those in these phases: running, undoing, done, undone";
        "flow"     flow: Option<String>      => "only those of a flow: volume.create";
        "waiting"  waiting: Option<bool>     => "only those that wait for something";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let phases: Vec<Phase> = own.phase.iter().flatten().map(|Word(phase)| *phase).collect();
    // Operations and what they are about have uuids only: another id is of none.
    let (id, object) = match (named(own.id), named(own.object)) {
        (Ok(id), Ok(object)) => (id, object),
        _ => return Reply::list::<OperationResponse>("operation", 0, &[]),
    };
    let mut operations = match id {
        Some(id) => call.repository().find_operation(id).await?.into_iter().collect(),
        None => {
            let filter = OperationFilter { object, phases: phases.clone(), limit: 0 };
            call.repository().list_operations(&filter).await?
        }
    };
    operations.retain(|operation| {
        list.matches(&operation.flow)
            && object.is_none_or(|wanted| operation.object.is_some_and(|(_, one)| one == wanted))
            && (phases.is_empty() || phases.contains(&operation.phase))
            && own.flow.as_ref().is_none_or(|flow| *flow == operation.flow)
            && own.waiting.is_none_or(|waiting| operation.waiting_for.is_some() == waiting)
    });
    let now_us = micros(SystemTime::now());
    let mut names = Names::new(&call);
    let mut page = Vec::new();
    for operation in list.page.of_all(&operations) {
        page.push(OperationResponse::of(&call, &mut names, operation, now_us).await?);
    }
    Reply::list("operation", operations.len(), &page)
}

/// The uuid that was given, if one was; `Err` for an id that is none.
fn named(id: Option<Id>) -> Result<Option<Uuid>, Id> {
    match id {
        None => Ok(None),
        Some(Id::Uuid(uuid)) => Ok(Some(uuid)),
        Some(other) => Err(other),
    }
}
