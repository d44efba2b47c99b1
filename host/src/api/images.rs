//! Templates and ISOs: CloudStack has commands for each, and one record serves both.
//!
//! **Invariant:** a command of one kind never touches an image of the other.

use super::call::Call;
use super::error::ApiError;
use super::objects::{Names, Shown as _, TemplateResponse, show_in};
use super::page::Listing;
use super::reply::Reply;
use super::values::Id;
use crate::model::{ImageStore, ObjectInStore, StoragePool, Stored, Template, Zone};
use crate::orchestration::template::RegisterTemplate;
use crate::store::Filter;
use std::collections::BTreeSet;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

/// What `templatefilter` and `isofilter` may be.
const FILTERS: [&str; 7] =
    ["featured", "self", "selfexecutable", "sharedexecutable", "executable", "community", "all"];

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageKind {
    /// A disk that volumes are made from.
    Template,
    /// A CD or DVD.
    Iso,
}

/// What a list of templates or ISOs is narrowed to.
pub(super) struct Wanted<'a> {
    pub(super) filter: &'a str,
    pub(super) id: Option<Id>,
    pub(super) ids: Option<&'a [Id]>,
    pub(super) name: Option<&'a String>,
    pub(super) zone: Option<Id>,
    pub(super) image_store: Option<Id>,
    pub(super) pool: Option<Id>,
    pub(super) is_ready: Option<bool>,
    pub(super) hypervisor: Option<&'a String>,
    pub(super) is_public: Option<bool>,
}

impl ImageKind {
    /// That of an image.
    pub(super) fn of(template: &Template) -> Self {
        if template.is_iso() { Self::Iso } else { Self::Template }
    }

    /// The key that such an image is shown under.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Iso => "iso",
        }
    }

    /// The image of this kind that the parameter `id` names.
    ///
    /// # Errors
    /// 431 where there is none, or it is of the other kind.
    pub(super) async fn find(self, call: &Call, id: Id) -> Result<Stored<Template>, ApiError> {
        let found = call.find::<Template>("id", id).await?;
        let other = Self::of(&found);
        if other == self {
            return Ok(found);
        }
        Err(ApiError::invalid_parameter(format!(
            "Invalid value for parameter id: {:?} is of kind {}, not {}; use the command of that \
             name",
            found.name,
            other.word(),
            self.word()
        )))
    }

    /// The answer of a command that changed an image: the image as it is now.
    pub(super) async fn reply(self, call: &Call, uuid: Uuid) -> Result<Reply, ApiError> {
        Reply::object(self.word(), &self.shown(call, uuid).await?)
    }

    /// Begins to register an image, and answers with its record, as a list. A repeated request gets
    /// what became of it.
    pub(super) async fn register(
        self,
        call: &Call,
        wish: RegisterTemplate,
    ) -> Result<Reply, ApiError> {
        let (orchestration, request) = (&call.services.orchestration, call.request());
        let rooms = orchestration.rooms();
        let begun = match rooms.replayed(&request).await? {
            Some(earlier) => earlier,
            None => match orchestration.templates.register(&request, wish).await {
                Ok(begun) => begun,
                // What stands in the way may be the same request, sent twice at the same moment.
                Err(failure) => rooms.replayed(&request).await?.ok_or(failure)?,
            },
        };
        Reply::list(self.word(), 1, &[self.shown(call, begun.object).await?])
    }

    async fn shown(self, call: &Call, uuid: Uuid) -> Result<TemplateResponse, ApiError> {
        let template = call.services.orchestration.templates.find(uuid).await?;
        Template::show(&mut Names::new(call), &template).await
    }

    /// Lists images, once for each zone they are in.
    pub(super) async fn list<P>(
        self,
        call: &Call,
        list: &Listing<P>,
        wanted: Wanted<'_>,
    ) -> Result<Reply, ApiError> {
        if !FILTERS.iter().any(|one| one.eq_ignore_ascii_case(wanted.filter)) {
            return Err(ApiError::invalid_parameter(format!(
                "Invalid value for parameter {}filter: {:?} is none of {}",
                self.word(),
                wanted.filter,
                FILTERS.join(", ")
            )));
        }
        let zone = call.filter_uuid::<Zone>("zoneid", wanted.zone).await?;
        let image_store = wanted.image_store;
        let image_store = call.filter_uuid::<ImageStore>("imagestoreid", image_store).await?;
        let pool = call.filter_uuid::<StoragePool>("storageid", wanted.pool).await?;
        let templates = &call.services.orchestration.templates;
        let filter = Filter { name: wanted.name.cloned(), ..Filter::default() };
        let (mut names, mut shown) = (Names::new(call), Vec::new());
        for template in templates.list(&filter).await? {
            if !(self.wants(&template, &wanted) && list.matches(&template.name)) {
                continue;
            }
            let places = templates.places(template.uuid).await?;
            let on = |store: Option<Uuid>| {
                store.is_none_or(|store| places.iter().any(|one| one.store == store))
            };
            if !on(image_store) || !on(pool) {
                continue;
            }
            let zones = zones_of(&places, zone);
            if zones.is_empty() && zone.is_none() {
                shown.push(Template::show(&mut names, &template).await?);
            }
            for one in zones {
                shown.push(show_in(&mut names, &template, &places, one).await?);
            }
        }
        shown.retain(|one| wanted.is_ready.is_none_or(|ready| one.is_ready() == ready));
        list.reply(self.word(), &shown)
    }

    fn wants(self, template: &Stored<Template>, wanted: &Wanted<'_>) -> bool {
        Self::of(template) == self
            && Id::is_wanted(wanted.id, wanted.ids, template.uuid, template.id)
            && (!wanted.filter.eq_ignore_ascii_case("featured") || template.is_featured)
            && wanted.is_public.is_none_or(|public| template.is_public == public)
            && wanted.hypervisor.is_none_or(|one| {
                template.hypervisor.is_none_or(|it| it.as_str().eq_ignore_ascii_case(one))
            })
    }
}

/// The zones that an image is in, of those that are asked for; `None` is the region.
fn zones_of(places: &[Stored<ObjectInStore>], zone: Option<Uuid>) -> BTreeSet<Option<Uuid>> {
    let on_image_stores = places.iter().filter(|one| one.role == DataStoreRole::Image);
    let zones = on_image_stores.map(|one| one.zone.or(zone));
    zones.filter(|one| zone.is_none() || *one == zone).collect()
}

/// The zone that a new image is for: the one that is named, or the first.
///
/// # Errors
/// 431 where there is none.
pub(super) async fn zone_for(call: &Call, zone: Option<Id>) -> Result<Uuid, ApiError> {
    match zone {
        None | Some(Id::None) => {
            let zones = call.services.orchestration.zones.list::<Zone>(&Filter::default()).await?;
            let first = zones.first().map(|zone| zone.uuid);
            first.ok_or_else(|| {
                ApiError::invalid_parameter("there is no zone; make one first (createZone)")
            })
        }
        Some(zone) => Ok(call.find::<Zone>("zoneid", zone).await?.uuid),
    }
}
