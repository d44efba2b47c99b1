//! `findStoragePoolsForMigration`: where a volume could move to.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{Names, Shown, StoragePoolResponse};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{StoragePool, Volume};

pub(super) const COMMAND: Command = Command {
    name: "findStoragePoolsForMigration",
    description: "Lists storage pools available for migration of a volume.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id" id: Id => "the ID of the volume";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("id", list.own.id).await?;
    let mut pools = call.services.orchestration.storage_pools.for_migration(volume.uuid).await?;
    pools.retain(|(pool, _)| list.matches(&pool.name));
    let mut names = Names::new(&call);
    let mut page = Vec::new();
    for (pool, reason) in list.page.of_all(&pools) {
        page.push(StoragePool::show(&mut names, pool).await?.suited(reason.clone()));
    }
    Reply::list(StoragePool::OBJECT_NAME, pools.len(), &page)
}
