//! A template is made of a volume or of a snapshot.

use super::copy;
use crate::model::{Failure, RecordKind, SnapshotState, Template, TemplateState};
use crate::orchestration::in_store::{Origin, begins, coming_to_image_store, expect_up};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::With;
use crate::orchestration::storage_pool::expect_in_use;
use crate::orchestration::volume::pool_of;
use crate::store::Change;
use storage_plugin_api::{CallContext, HypervisorType, ImageFormat};
use uuid::Uuid;

/// What a new template is to be.
#[derive(Debug, Clone, Default)]
pub struct CreateTemplate {
    /// Its name.
    pub name: String,
    /// Shown under the name; the name if none is given.
    pub display_text: Option<String>,
    /// What its bytes are to be.
    pub source: Option<TemplateSource>,
    /// The operating system.
    pub os_type: Option<Uuid>,
    /// The hypervisor that it is for.
    pub hypervisor: Option<HypervisorType>,
    /// Every account may use it.
    pub is_public: bool,
    /// It is shown first.
    pub is_featured: bool,
    /// Its bytes may be handed out.
    pub is_extractable: bool,
    /// Needs hardware virtualisation.
    pub requires_hvm: bool,
    /// Whether an instance can start from it.
    pub bootable: bool,
}

/// What a template is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateSource {
    /// A volume.
    Volume(Uuid),
    /// A snapshot.
    Snapshot(Uuid),
}

/// A template that is to be made of an object on a pool.
struct Making {
    origin: Origin,
    zone: Uuid,
    pool: Uuid,
    /// The volume or snapshot.
    object: Uuid,
    template: Template,
    /// What is asked of the object together with the beginning.
    changes: Vec<Change>,
}

impl CreateTemplate {
    /// The record, as far as the wish says it.
    pub(in crate::orchestration) fn template(
        &self,
        format: ImageFormat,
        size_bytes: u64,
    ) -> Template {
        let text = self.display_text.clone();
        Template {
            uuid: Uuid::new_v4(),
            name: self.name.clone(),
            display_text: text.unwrap_or_else(|| self.name.clone()),
            state: TemplateState::Active,
            format,
            url: None,
            origin: None,
            checksum: None,
            size_bytes,
            physical_size_bytes: 0,
            bootable: self.bootable,
            os_type: self.os_type,
            hypervisor: self.hypervisor,
            is_public: self.is_public,
            is_featured: self.is_featured,
            is_extractable: self.is_extractable,
            requires_hvm: self.requires_hvm,
            source_volume: None,
            source_snapshot: None,
        }
    }
}

impl super::Templates {
    /// Begins to make a template of a volume or of a snapshot (`createTemplate`).
    ///
    /// # Errors
    /// `InUse` for a volume of a running instance; `CapacityExceeded` where no image store of the
    /// zone takes it; `Unsupported` where nobody can move the bytes.
    pub async fn create(
        &self,
        request: &RequestContext,
        wish: CreateTemplate,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let Making { origin, zone, pool, object: used, template, mut changes } =
            self.making(&wish).await?;
        let store = rooms.image_store_for(zone, template.format, template.size_bytes).await?;
        let call = CallContext::new(template.uuid);
        let from = rooms.access(pool).await?.into_store();
        let to = rooms.image_access(store.uuid).await?.into_store();
        rooms.expect_streams(&call, &from, &to).await?;

        let object = (RecordKind::Template, template.uuid);
        let one = coming_to_image_store(object, &store, template.format);
        changes.extend([expect_in_use(pool), expect_up(store.uuid), Change::insert(&template)]);
        changes.extend(begins(&one));
        let state = copy::State {
            one: one.uuid,
            origin,
            makes_template: true,
            event: "TEMPLATE.CREATE".to_owned(),
        };
        let with = With { shared: vec![used, pool, store.uuid], ..With::default() };
        rooms.begin::<copy::Flow>(request, object, with, changes, &state).await
    }

    async fn making(&self, wish: &CreateTemplate) -> Result<Making, Failure> {
        match wish.source {
            Some(TemplateSource::Volume(uuid)) => self.of_volume(wish, uuid).await,
            Some(TemplateSource::Snapshot(uuid)) => self.of_snapshot(wish, uuid).await,
            None => Err(Failure::invalid(
                "a template is made of a volume or a snapshot: say which (volumeid, snapshotid)",
            )),
        }
    }

    async fn of_volume(&self, wish: &CreateTemplate, uuid: Uuid) -> Result<Making, Failure> {
        let volume = self.rooms.find_volume(uuid).await?;
        let way_out = "stop it, or make the template of a snapshot";
        let changes = self.rooms.at_rest(&volume, way_out).await?;
        let mut template = wish.template(volume.format, volume.size_bytes);
        template.source_volume = Some(uuid);
        Ok(Making {
            origin: Origin::Volume(uuid),
            zone: volume.zone,
            pool: pool_of(&volume)?,
            object: uuid,
            template,
            changes,
        })
    }

    async fn of_snapshot(&self, wish: &CreateTemplate, uuid: Uuid) -> Result<Making, Failure> {
        let snapshot = self.rooms.find_snapshot(uuid).await?;
        if !snapshot.on_primary {
            return Err(Failure::unsupported(format!(
                "snapshot {:?} was archived: make a volume of it, and the template of that",
                snapshot.name
            )));
        }
        let volume = &snapshot.volume;
        let mut template = wish.template(volume.format, volume.size_bytes);
        template.source_snapshot = Some(uuid);
        template.source_volume = Some(volume.uuid);
        let backed_up = SnapshotState::BackedUp.as_str();
        Ok(Making {
            origin: Origin::Snapshot(uuid),
            zone: volume.zone,
            pool: snapshot.pool,
            object: uuid,
            template,
            changes: vec![Change::expect(RecordKind::Snapshot, uuid, backed_up)],
        })
    }
}
