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
use crate::model::Phase;
use crate::store::OperationFilter;
use std::time::SystemTime;

pub(super) const COMMAND: Command = Command {
    name: "listOperations",
    description: "Lists operations with the journal of their steps, the newest first (an \
                  extension of this host).",
    since: None,
    is_async: false,
    params: Listing::<Params>::PARAMS,
    response: OperationResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"       id: Option<Id>            => "the ID of the operation, which is that of its job";
        "objectid" object: Option<Id>        => "only those about this object: its timeline";
        "phase"    phase: Option<Vec<String>> => "only those in these phases: running, undoing, done, undone";
        "flow"     flow: Option<String>      => "only those of a flow: volume.create";
        "waiting"  waiting: Option<bool>     => "only those that wait for something";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let mut operations = match (own.id, own.object) {
        (Some(Id::Uuid(uuid)), _) => {
            call.repository().find_operation(uuid).await?.into_iter().collect()
        }
        (Some(_), _) | (None, Some(Id::Number(_) | Id::None)) => Vec::new(),
        (None, object) => {
            let object = match object {
                Some(Id::Uuid(uuid)) => Some(uuid),
                _ => None,
            };
            let filter = OperationFilter { object, phases: phases(own)?, limit: 0 };
            call.repository().list_operations(&filter).await?
        }
    };
    operations.retain(|operation| {
        list.matches(&operation.flow)
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

fn phases(own: &Params) -> Result<Vec<Phase>, ApiError> {
    let words = own.phase.as_deref().unwrap_or_default();
    words
        .iter()
        .map(|word| {
            Phase::parse(word).ok_or_else(|| {
                ApiError::invalid_parameter(format!(
                    "Invalid value for parameter phase: {word:?} is not running, undoing, done or \
                     undone"
                ))
            })
        })
        .collect()
}
