//! `migrateSecondaryStorageData`: an image store is emptied, or made as full as others.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::MigrationResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::ImageStore;
use crate::orchestration::image_store::{MigrateImages, MigrationType};

pub(super) const COMMAND: Command = Command {
    name: "migrateSecondaryStorageData",
    description: "Migrates data objects from one secondary storage to destination image stores. \
                  Each is copied, read back and removed from the source then; a source that is \
                  migrated completely is read-only from the beginning on.",
    since: Some("4.15.0"),
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: MigrationResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "srcpool"       source: Id                      => "id of the image store from where the data is to be migrated";
        "destpools"     destinations: Option<Vec<Id>>   => "id(s) of the destination secondary storage pool(s); every other image store that serves the same zone if none is given";
        "migrationtype" migration: Option<String>       => "Balance: so much that all are as full as each other, or Complete (the default): all of it";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let migration = match params.migration.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("complete") => MigrationType::Complete,
        Some("balance") => MigrationType::Balance,
        Some(_) => {
            return Err(ApiError::invalid_parameter("migrationtype is complete or balance"));
        }
    };
    let mut wish = MigrateImages {
        source: call.find::<ImageStore>("srcpool", params.source).await?.uuid,
        destinations: Vec::new(),
        migration,
    };
    for id in params.destinations.unwrap_or_default() {
        wish.destinations.push(call.find::<ImageStore>("destpools", id).await?.uuid);
    }
    let stores = &call.services.orchestration.image_stores;
    let begun = stores.migrate(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, None))
}
