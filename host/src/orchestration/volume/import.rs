//! A volume that lies on a pool already is taken into care.
//!
//! **Invariant:** what has an owner is never taken: an object that a record refers to, or that
//! bears this installation's id and was not released, is not offered and not imported. Two imports
//! of the same path do not run at the same time. A failed import leaves the object as it was.

use super::advance;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, RecordKind, StoragePoolState, Volume, VolumeEvent, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;
use storage_plugin_api::{
    CallContext, DataObjectType, Details, ImageFormat, ImportRequest, ListObjectsRequest,
    ListedObject, ProvisioningType, QualityOfService, VolumeType,
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

/// How many objects are asked for at once.
const PAGE: u32 = 500;

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
        let call = CallContext::new(pool);
        if !access.capabilities(&call).await?.list_objects {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot list what is there",
                access.pool.provider, access.pool.name
            )));
        }
        let owned = self.rooms.owned_on(pool).await?;
        let ours = self.rooms.repository.installation_id().as_str();
        let mut found = Vec::new();
        let mut ask = ListObjectsRequest::default();
        ask.limit = PAGE;
        loop {
            let listed = access.driver.list_objects(&call, &access.context, ask.clone());
            let page = access.guarded(&call, listed).await?;
            found.extend(page.objects.into_iter().filter(|object| {
                path.is_none_or(|path| path == object.path) && owned.lets_go(object, ours)
            }));
            // A marker that does not move would never end.
            if page.next_marker.is_none() || page.next_marker == ask.marker {
                return Ok(found);
            }
            ask.marker = page.next_marker;
        }
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
        };
        let changes = vec![
            Change::Expect {
                kind: RecordKind::StoragePool,
                uuid: wish.pool,
                states: vec![StoragePoolState::Up.as_str()],
            },
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

/// What on a pool has an owner here.
struct Owned {
    /// The paths that a record refers to.
    paths: HashSet<String>,
    /// The volumes that were released: their names bear our id, and they are nobody's.
    released: HashSet<Uuid>,
}

impl Owned {
    fn lets_go(&self, object: &ListedObject, ours: &str) -> bool {
        let is_ours = object.installation_id.as_deref() == Some(ours);
        let is_released = object.uuid.is_some_and(|uuid| self.released.contains(&uuid));
        object.object_type.is_none_or(|kind| kind == DataObjectType::Volume)
            && !self.paths.contains(&object.path)
            && (!is_ours || is_released)
    }
}

impl Rooms {
    async fn owned_on(&self, pool: Uuid) -> Result<Owned, Failure> {
        let filter = Filter { owner: Some(pool), removed: true, ..Filter::default() };
        let mut owned = Owned { paths: HashSet::new(), released: HashSet::new() };
        for volume in self.repository.list::<Volume>(&filter).await? {
            if volume.released {
                owned.released.insert(volume.uuid);
            } else if volume.removed_us.is_none() {
                owned.paths.insert(volume.path.clone());
            }
        }
        let snapshots = self.repository.list::<crate::model::Snapshot>(&Filter::default()).await?;
        let here = snapshots.into_iter().filter(|snapshot| snapshot.pool == pool);
        owned.paths.extend(here.map(|snapshot| snapshot.record.path));
        Ok(owned)
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
        // Here and not at the begin: the path is held from there on only.
        self.expect_unowned(&volume, store).await?;
        let call = context.call();
        let capabilities = pool.capabilities(&call).await?;
        let ask = ImportRequest::new(volume.path.clone());
        let looked = pool.driver.validate_volume_for_import(&call, &pool.context, ask);
        let looked = pool.guarded(&call, looked).await?;
        if !looked.path.is_empty() {
            volume.path.clone_from(&looked.path);
        }
        volume.size_bytes = looked.size_bytes;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if !looked.present || !shown.present {
            return Err(Failure::not_found(format!(
                "storage pool {:?} has no volume at {:?}",
                pool.pool.name, volume.path
            ))
            .into());
        }
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes;
        volume.format = shown.format.or(looked.format).unwrap_or(volume.format);
        if !capabilities.takes(volume.format) {
            return Err(Failure::unsupported(format!(
                "the volume at {:?} is in format {}, which provider {:?} does not serve",
                volume.path, volume.format, pool.pool.provider
            ))
            .into());
        }
        advance(&mut volume, &[VolumeEvent::OperationSucceeded])?;
        let told = format!("volume {:?} was imported from {:?}", volume.name, volume.path);
        Ok(vec![
            Change::Reserve { store, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            context.event("VOLUME.IMPORT", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    async fn expect_unowned(&self, volume: &Volume, pool: Uuid) -> Result<(), Failure> {
        let filter = Filter { owner: Some(pool), ..Filter::default() };
        let others = self.0.repository.list::<Volume>(&filter).await?;
        let is_it = |other: &&crate::model::Stored<Volume>| {
            other.uuid != volume.uuid && other.path == volume.path
        };
        match others.iter().find(is_it) {
            None => Ok(()),
            Some(other) => Err(Failure::new(
                storage_plugin_api::PluginErrorKind::AlreadyExists,
                format!("{:?} is volume {:?} ({}) already", volume.path, other.name, other.uuid),
            )),
        }
    }
}
