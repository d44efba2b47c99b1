//! A volume that lies on a pool already is taken into care.
//!
//! **Invariant:** what has an owner is never taken: an object that a record refers to, or that
//! bears this installation's id and was not released, is not offered and not imported. Two imports
//! of the same path do not run at the same time. A failed import leaves the object as it was.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, StoragePoolState, Volume, VolumeEvent, VolumeState,
};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::reconcile::Owner;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    CallContext, DataObjectType, Details, ImageFormat, ImportRequest, ListedObject,
    ObjectDescription, PluginErrorKind, ProvisioningType, QualityOfService, VolumeType,
};
use uuid::Uuid;

/// What is to be imported.
#[derive(Debug, Clone)]
pub struct ImportVolume {
    /// The pool that has it.
    pub pool: Uuid,
    /// Its path there.
    pub path: String,
    /// Its name; its path if none is given.
    pub name: Option<String>,
    /// The disk offering it is to have.
    pub disk_offering: Option<Uuid>,
}

impl super::Volumes {
    /// What lies on a pool and has no owner here, in the order of the paths.
    ///
    /// # Errors
    /// `Unsupported` where the driver cannot list; the driver's.
    pub async fn list_for_import(
        &self,
        pool: Uuid,
        path: Option<&str>,
    ) -> Result<Vec<ListedObject>, Failure> {
        let access = self.rooms.access(pool).await?;
        let context = StepContext::detached("system");
        if !access.capabilities(&context.call()).await?.list_objects {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot list what is there; import what you \
                 know of by its path",
                access.pool.provider, access.pool.name
            )));
        }
        let owned = self.rooms.owned_paths(pool).await?;
        let mut found = access.list_all(&context).await?;
        found.retain(|object| {
            path.is_none_or(|path| path == object.path)
                && object.object_type.is_none_or(|kind| kind == DataObjectType::Volume)
                && !owned.contains(&object.path)
        });
        let mut unowned = Vec::new();
        for object in found {
            if !self.rooms.is_ours(&object).await? {
                unowned.push(object);
            }
        }
        Ok(unowned)
    }

    /// Begins to import a volume (`importVolume`).
    ///
    /// # Errors
    /// `Unsupported` where the driver cannot, `AlreadyExists` for a path that has an owner here.
    pub async fn import(
        &self,
        request: &RequestContext,
        wish: ImportVolume,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let offering = match wish.disk_offering {
            Some(offering) => Some(rooms.find_disk_offering(offering).await?),
            None => None,
        };
        let access = rooms.access(wish.pool).await?;
        let uuid = Uuid::new_v4();
        let call = CallContext::new(uuid);
        if !access.capabilities(&call).await?.import_volume {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} imports no volumes",
                access.pool.provider, access.pool.name
            )));
        }
        if wish.path.trim().is_empty() {
            return Err(Failure::invalid("a volume to import needs the path it has on its pool"));
        }
        let volume = Volume {
            uuid,
            name: wish.name.unwrap_or_else(|| wish.path.clone()),
            state: VolumeState::Creating,
            note: None,
            zone: access.pool.zone,
            pool: Some(wish.pool),
            disk_offering: offering.as_ref().map(|offering| offering.uuid),
            snapshot: None,
            template: None,
            size_bytes: 0,
            physical_size_bytes: None,
            path: wish.path,
            details: Details::new(),
            volume_type: VolumeType::DataDisk,
            format: ImageFormat::Raw,
            provisioning_type: offering
                .as_ref()
                .map_or(ProvisioningType::Thin, |offering| offering.provisioning_type),
            quality_of_service: offering
                .map_or_else(QualityOfService::default, |offering| offering.quality_of_service),
            instance: None,
            device_id: None,
            destroyed_us: None,
            released: false,
            checkpoint: None,
        };
        let changes = vec![
            Change::expect(RecordKind::StoragePool, wish.pool, StoragePoolState::Up.as_str()),
            Change::insert(&volume),
        ];
        let with = With { exclusive: vec![stand_in(wish.pool, &volume.path)], ..With::default() };
        let state = State { volume: uuid };
        rooms.begin::<Flow>(request, (RecordKind::Volume, uuid), with, changes, &state).await
    }
}

/// An id that stands for a path of a pool, so that it can be held while nothing else names it.
fn stand_in(pool: Uuid, path: &str) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(pool.as_bytes()).update(path.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Rooms {
    /// Whether an object bears this installation's id, and was not released.
    async fn is_ours(&self, object: &ListedObject) -> Result<bool, Failure> {
        let ours = self.repository.installation_id().as_str();
        if object.installation_id.as_deref() != Some(ours) {
            return Ok(false);
        }
        let known = match object.uuid {
            Some(uuid) => self.known(uuid).await?,
            None => None,
        };
        Ok(known.is_none_or(|known| !known.is_released))
    }
}

/// `volume.import`: the driver looks at it, then its record says what it is.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.import";
    const VERSION: u32 = 1;
    // Looking changes nothing, so there is nothing to undo.
    const STEPS: &'static [Step<Self>] = &[Step::outside("look at it", step_fn!(look))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        // Forgotten and not removed: a record that stays would claim that the object is gone.
        Box::pin(async { Ok(vec![Change::Forget(RecordKind::Volume, state.volume)]) })
    }
}

impl Flow {
    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let store = super::pool_of(&volume)?;
        let pool = self.0.access(store).await?;
        let call = context.call();
        let capabilities = pool.capabilities(&call).await?;
        // Here and not at the begin: the path is held from there on only.
        self.expect_unowned(context, &pool, &volume, capabilities.list_objects).await?;
        let ask = ImportRequest::new(volume.path.clone());
        let looked = pool.driver.validate_volume_for_import(&call, &pool.context, ask);
        let looked = pool.guarded(&call, looked).await?;
        expect_at(&pool, &volume.path, &looked)?;
        volume.size_bytes = looked.size_bytes;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        expect_at(&pool, &volume.path, &shown)?;
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes;
        volume.format = shown.format.or(looked.format).unwrap_or(volume.format);
        if !capabilities.takes(volume.format) {
            return Err(Failure::unsupported(format!(
                "the volume at {:?} is in format {}, which provider {:?} does not serve; convert it \
                 first",
                volume.path, volume.format, pool.pool.provider
            ))
            .into());
        }
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let told = format!("volume {:?} was imported from {:?}", volume.name, volume.path);
        Ok(vec![
            Change::Reserve { store, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            context.event("VOLUME.IMPORT", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    /// Refuses an object that a record refers to, or whose name says that it is ours.
    async fn expect_unowned(
        &self,
        context: &StepContext,
        pool: &PoolAccess<'_>,
        volume: &Volume,
        can_list: bool,
    ) -> Result<(), StepError> {
        let owners = self.0.owners(pool.pool.uuid).await?;
        let is_it = |owner: &&Owner| owner.uuid != volume.uuid && owner.path == volume.path;
        if let Some(owner) = owners.iter().find(is_it) {
            return Err(Failure::new(
                PluginErrorKind::AlreadyExists,
                format!(
                    "{:?} is {} {:?} ({}) already; there is nothing to import",
                    volume.path, owner.kind, owner.name, owner.uuid
                ),
            )
            .into());
        }
        if !can_list {
            return Ok(());
        }
        let listed = pool.list_all(context).await?;
        match listed.iter().find(|object| object.path == volume.path) {
            Some(object) if self.0.is_ours(object).await? => Err(Failure::new(
                PluginErrorKind::AlreadyExists,
                format!(
                    "{:?} bears the id of this installation, and was never released; see what it \
                     is with `storage-host orphans scan`, and take it back with `storage-host \
                     orphans adopt`",
                    volume.path
                ),
            )
            .into()),
            _ => Ok(()),
        }
    }
}

/// Refuses what is not there, or has another path there: by any other name it would be an object
/// that may have an owner under its own.
fn expect_at(pool: &PoolAccess<'_>, path: &str, shown: &ObjectDescription) -> Result<(), Failure> {
    let name = &pool.pool.name;
    if !shown.present {
        return Err(Failure::not_found(format!(
            "storage pool {name:?} has no volume at {path:?}; listVolumesForImport shows what it \
             has"
        )));
    }
    if !shown.path.is_empty() && shown.path != path {
        return Err(Failure::invalid(format!(
            "what storage pool {name:?} has at {path:?} is called {:?} there; import it by that \
             path",
            shown.path
        )));
    }
    Ok(())
}
