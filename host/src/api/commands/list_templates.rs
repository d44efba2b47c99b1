//! `listTemplates`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::images::{ImageKind, Wanted};
use crate::api::objects::TemplateResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;

pub(super) const COMMAND: Command = Command {
    name: "listTemplates",
    description: "List all templates, once for each zone they are in.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "templatefilter"   filter: String => "possible values are featured, self, selfexecutable, sharedexecutable, executable, and community; all of them are the same here, but for featured";
        "id"           id: Option<Id>          => "the template ID";
        "ids"          ids: Option<Vec<Id>>    => "the IDs of the templates, mutually exclusive with id";
        "name"         name: Option<String>    => "the template name";
        "zoneid"       zone: Option<Id>        => "list templates by zone";
        "imagestoreid" image_store: Option<Id> => "ID of the image store to list by";
        "storageid"    pool: Option<Id>        => "ID of the storage pool that has them cached";
        "isready"      is_ready: Option<bool>  => "list templates that are ready";
        "hypervisor"   hypervisor: Option<String> => "the hypervisor for which to restrict the search";
        "ispublic"     is_public: Option<bool> => "true if the template is publicly available to all users, false otherwise";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let wanted = Wanted {
        filter: &own.filter,
        id: own.id,
        ids: own.ids.as_deref(),
        name: own.name.as_ref(),
        zone: own.zone,
        image_store: own.image_store,
        pool: own.pool,
        is_ready: own.is_ready,
        hypervisor: own.hypervisor.as_ref(),
        is_public: own.is_public,
    };
    ImageKind::Template.list(&call, &list, wanted).await
}
