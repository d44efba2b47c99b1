//! `migrateResourceToAnotherSecondaryStorage`: chosen templates and snapshots go to another image
//! store.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::MigrationResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{ImageStore, Snapshot, Template};
use crate::orchestration::image_store::{MigrateImages, MigrationType};

pub(super) const COMMAND: Command = Command {
    name: "migrateResourceToAnotherSecondaryStorage",
    description: "Migrates resources from one secondary storage to destination image store. Each is \
                  copied, read back and removed from the source then.",
    since: Some("4.19.0"),
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: MigrationResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "srcpool"   source: Id                   => "id of the image store from where the data is to be migrated";
        "destpool"  destination: Id              => "id of the destination secondary storage pool to migrate resources to";
        "templates" templates: Option<Vec<Id>>   => "id(s) of the templates to be migrated";
        "snapshots" snapshots: Option<Vec<Id>>   => "id(s) of the snapshots to be migrated";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let mut chosen = Vec::new();
    for id in params.templates.unwrap_or_default() {
        chosen.push(call.find::<Template>("templates", id).await?.uuid);
    }
    for id in params.snapshots.unwrap_or_default() {
        chosen.push(call.find::<Snapshot>("snapshots", id).await?.uuid);
    }
    if chosen.is_empty() {
        return Err(ApiError::invalid_parameter(
            "say what is to be migrated (templates, snapshots); migrateSecondaryStorageData \
             migrates all of it",
        ));
    }
    let wish = MigrateImages {
        source: call.find::<ImageStore>("srcpool", params.source).await?.uuid,
        destinations: vec![call.find::<ImageStore>("destpool", params.destination).await?.uuid],
        migration: MigrationType::Chosen(chosen),
    };
    let stores = &call.services.orchestration.image_stores;
    let begun = stores.migrate(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, None))
}
