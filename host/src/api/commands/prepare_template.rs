//! `prepareTemplate`: caches a template on pools before anything is made from it.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{TemplateResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{StoragePool, StoragePoolState, Template, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "prepareTemplate",
    description: "Loads a template into primary storage. Answers when it is there.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "templateid" template: Id       => "template ID of the template to be prepared in primary storage(s)";
        "zoneid"     zone: Id           => "zone ID of the template to be prepared in primary storage(s)";
        "storageid"  pool: Option<Id>   => "storage pool ID of the primary storage pool to which the template should be prepared; if it is not provided the template is prepared on all the available primary storage pools";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let template = call.find::<Template>("templateid", params.template).await?;
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    let services = &call.services.orchestration;
    let pools = match call.uuid_of::<StoragePool>("storageid", params.pool).await? {
        Some(pool) => vec![pool],
        None => {
            let states = vec![StoragePoolState::Up.as_str()];
            let filter = Filter { zone: Some(zone.uuid), states, ..Filter::default() };
            let pools = services.storage_pools.list(&filter).await?;
            pools.iter().map(|pool| pool.uuid).collect()
        }
    };
    for pool in pools {
        services.templates.prepare(template.uuid, pool).await?;
    }
    reply_shown::<Template>(&call, template.uuid).await
}
