//! `listIsos`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{Names, Shown as _, TemplateResponse, show_in};
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{ImageStore, StoragePool, Template, Zone};
use crate::store::Filter;
use std::collections::BTreeSet;
use storage_plugin_api::DataStoreRole;

pub(super) const COMMAND: Command = Command {
    name: "listIsos",
    description: "List all ISOs, once for each zone they are in.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: TemplateResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "isofilter"   filter: Option<String> => "possible values are featured, self, selfexecutable, sharedexecutable, executable, and community; all of them are the same here, but for featured";
        "id"           id: Option<Id>          => "the iso ID";
        "name"         name: Option<String>    => "the iso name";
        "zoneid"       zone: Option<Id>        => "list isos by zone";
        "imagestoreid" image_store: Option<Id> => "ID of the image store to list by";
        "storageid"    pool: Option<Id>        => "ID of the storage pool that has them cached";
        "isready"      is_ready: Option<bool>  => "list isos that are ready";
        "hypervisor"   hypervisor: Option<String> => "the hypervisor for which to restrict the search";
        "ispublic"     is_public: Option<bool> => "true if the iso is publicly available to all users, false otherwise";
    }
}

/// What `isofilter` may be.
const FILTERS: [&str; 7] =
    ["featured", "self", "selfexecutable", "sharedexecutable", "executable", "community", "all"];

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let wanted = own.filter.as_deref().unwrap_or("self");
    if !FILTERS.iter().any(|one| one.eq_ignore_ascii_case(wanted)) {
        return Err(ApiError::invalid_parameter(format!(
            "Invalid value for parameter isofilter: {wanted:?} is none of {}",
            FILTERS.join(", ")
        )));
    }
    let zone = call.filter_uuid::<Zone>("zoneid", own.zone).await?;
    let image_store = call.filter_uuid::<ImageStore>("imagestoreid", own.image_store).await?;
    let pool = call.filter_uuid::<StoragePool>("storageid", own.pool).await?;
    let templates = &call.services.orchestration.templates;
    let filter = Filter { name: own.name.clone(), ..Filter::default() };
    let mut names = Names::new(&call);
    let mut shown = Vec::new();
    for template in templates.list(&filter).await? {
        let is_wanted = template.is_iso()
            && list.matches(&template.name)
            && Id::is_wanted(own.id, None, template.uuid, template.id)
            && (!wanted.eq_ignore_ascii_case("featured") || template.is_featured)
            && own.is_public.is_none_or(|public| template.is_public == public)
            && own.hypervisor.as_ref().is_none_or(|one| {
                template.hypervisor.is_none_or(|it| it.as_str().eq_ignore_ascii_case(one))
            });
        if !is_wanted {
            continue;
        }
        let places = templates.places(template.uuid).await?;
        let on = |store| places.iter().any(|one| one.store == store);
        if image_store.is_some_and(|store| !on(store)) || pool.is_some_and(|store| !on(store)) {
            continue;
        }
        let zones: BTreeSet<_> = places
            .iter()
            .filter(|one| one.role == DataStoreRole::Image)
            .map(|one| one.zone.or(zone))
            .filter(|one| zone.is_none() || *one == zone)
            .collect();
        for one in zones {
            shown.push(show_in(&mut names, &template, &places, one).await?);
        }
        if places.iter().all(|one| one.role != DataStoreRole::Image) && zone.is_none() {
            shown.push(Template::show(&mut names, &template).await?);
        }
    }
    shown.retain(|one| own.is_ready.is_none_or(|ready| one.is_ready() == ready));
    list.reply("iso", &shown)
}
