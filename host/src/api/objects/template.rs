//! A template or ISO, as `listTemplates` and `listIsos` show it: once for each zone it is in.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::os_types;
use crate::api::timestamp::format_us;
use crate::model::{
    ADMIN, ImageStore, ObjectInStore, ObjectInStoreState, ROOT_DOMAIN, Stored, Template,
    TemplateState, Zone,
};
use crate::store::Filter;
use std::collections::BTreeMap;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

response! {
    pub(in crate::api) struct TemplateResponse {
        "id"            id: Uuid                    => "the template ID";
        "name"          name: String                => "the template name";
        "displaytext"   display_text: String        => "the template display text";
        "format"        format: &'static str        => "the format of the template";
        "status"        status: String              => "the status of the template";
        "isready"       is_ready: bool              => "true if the template is ready to be deployed from, false otherwise";
        "size"          size: Option<u64>           => "the size of the template";
        "physicalsize"  physical_size: Option<u64>  => "the physical size of the template";
        "checksum"      checksum: Option<String>    => "checksum of the template";
        "url"           url: Option<String>         => "the URL which the template/iso is registered from";
        "templatetype"  kind: &'static str          => "the type of the template";
        "hypervisor"    hypervisor: &'static str    => "the hypervisor on which the template runs";
        "ostypeid"      os_type: Uuid               => "the ID of the OS type for this template";
        "ostypename"    os_type_name: &'static str  => "the name of the OS type for this template";
        "bootable"      bootable: bool              => "true if the ISO is bootable, false otherwise";
        "requireshvm"   requires_hvm: bool          => "true if template requires HVM enabled, false otherwise";
        "ispublic"      is_public: bool             => "true if this template is a public template, false otherwise";
        "isfeatured"    is_featured: bool           => "true if this template is a featured template, false otherwise";
        "isextractable" is_extractable: bool        => "true if the template is extractable, false otherwise";
        "passwordenabled" password: bool            => "true if the reset password feature is enabled, false otherwise";
        "crossZones"    cross_zones: bool           => "true if the template is managed across all Zones, false otherwise";
        "sourcetemplateid" source: Option<Uuid>     => "the template ID of the parent template if present";
        "account"       account: &'static str       => "the account name to which the template belongs";
        "domain"        domain: &'static str        => "the name of the domain to which the template belongs";
        "zoneid"        zone_id: Option<Uuid>       => "the ID of the zone for this template";
        "zonename"      zone_name: Option<String>   => "the name of the zone for this template";
        "created"       created: String             => "the date this template was created";
        "tags"          tags: Vec<String>           => "the list of resource tags associated: none";
        "downloaddetails" places: Vec<BTreeMap<String, String>> => "lists the download progress of a template across all secondary storages";
    }
}

impl TemplateResponse {
    /// Whether volumes can be made from it where it is shown.
    pub(in crate::api) const fn is_ready(&self) -> bool {
        self.is_ready
    }
}

impl Shown for Template {
    const OBJECT_NAME: &'static str = "template";
    type Response = TemplateResponse;

    async fn show(
        names: &mut Names,
        template: &Stored<Self>,
    ) -> Result<TemplateResponse, ApiError> {
        let filter = Filter { name: Some(template.uuid.to_string()), ..Filter::default() };
        let places = names.repository().list::<ObjectInStore>(&filter).await?;
        show_in(names, template, &places, None).await
    }
}

/// Shows a template as it is in a zone; in the first that there is if none is said.
pub(in crate::api) async fn show_in(
    names: &mut Names,
    template: &Stored<Template>,
    places: &[Stored<ObjectInStore>],
    zone: Option<Uuid>,
) -> Result<TemplateResponse, ApiError> {
    let mut here: Vec<&Stored<ObjectInStore>> = places
        .iter()
        .filter(|one| one.role == DataStoreRole::Image)
        .filter(|one| zone.is_none() || one.zone.is_none() || one.zone == zone)
        .collect();
    here.sort_by_key(|one| one.state != ObjectInStoreState::Ready);
    let best = here.first();
    let zone_id = zone.or_else(|| best.and_then(|one| one.zone));
    let shown_zone = names.find::<Zone>(zone_id).await?;
    let mut told = Vec::new();
    for one in &here {
        let store = names.find::<ImageStore>(Some(one.store)).await?;
        let details = [
            ("datastore", store.map(|store| store.name.clone()).unwrap_or_default()),
            ("downloadState", download_state(one.state).to_owned()),
            ("downloadPercent", percent(names, one).await.to_string()),
        ];
        let durable = one.checkpoint.as_ref().map(|checkpoint| checkpoint.token.offset);
        let durable = durable.map(|bytes| ("durableBytes", bytes.to_string()));
        let details = details.into_iter().chain(durable);
        told.push(details.map(|(key, value)| (key.to_owned(), value)).collect());
    }
    let is_ready = best.is_some_and(|one| one.state == ObjectInStoreState::Ready)
        && template.state == TemplateState::Active;
    let os_type = os_types::of(template.os_type);
    Ok(TemplateResponse {
        id: template.uuid,
        name: template.name.clone(),
        display_text: template.display_text.clone(),
        format: template.format.as_str(),
        status: status(names, template, best.copied()).await,
        is_ready,
        size: Some(template.size_bytes).filter(|size| *size > 0),
        physical_size: Some(template.physical_size_bytes).filter(|size| *size > 0),
        checksum: template.checksum.clone(),
        url: template.url.clone(),
        kind: "USER",
        hypervisor: template.hypervisor.map_or("Any", |one| one.as_str()),
        os_type: os_type.0,
        os_type_name: os_type.1,
        bootable: template.bootable,
        requires_hvm: template.requires_hvm,
        is_public: template.is_public,
        is_featured: template.is_featured,
        is_extractable: template.is_extractable,
        password: false,
        cross_zones: best.is_some_and(|one| one.zone.is_none()),
        source: None,
        account: ADMIN,
        domain: ROOT_DOMAIN,
        zone_id,
        zone_name: shown_zone.map(|zone| zone.name.clone()),
        created: format_us(template.created_us),
        tags: Vec::new(),
        places: told,
    })
}

/// CloudStack's words for how far a template is.
async fn status(
    names: &Names,
    template: &Stored<Template>,
    best: Option<&Stored<ObjectInStore>>,
) -> String {
    let Some(one) = best else {
        return match template.state {
            TemplateState::Active => "it is on no image store".to_owned(),
            other => other.to_string(),
        };
    };
    match (one.state, &one.note) {
        (ObjectInStoreState::Ready, _) => "Download Complete".to_owned(),
        (ObjectInStoreState::Allocated, None) => match percent(names, one).await {
            0 => "Not uploaded".to_owned(),
            percent => format!("{percent}% Uploaded"),
        },
        (ObjectInStoreState::Creating, _) => match percent(names, one).await {
            0 => "Processing".to_owned(),
            percent => format!("{percent}% Downloaded"),
        },
        (_, Some(note)) => note.clone(),
        (state, None) => state.to_string(),
    }
}

async fn percent(names: &Names, one: &Stored<ObjectInStore>) -> u64 {
    if one.state == ObjectInStoreState::Ready {
        return 100;
    }
    names.services().orchestration.templates.percent(one).await.unwrap_or_default()
}

const fn download_state(state: ObjectInStoreState) -> &'static str {
    match state {
        ObjectInStoreState::Ready => "DOWNLOADED",
        ObjectInStoreState::Creating => "DOWNLOAD_IN_PROGRESS",
        ObjectInStoreState::Failed => "DOWNLOAD_ERROR",
        _ => "NOT_DOWNLOADED",
    }
}
