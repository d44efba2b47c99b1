//! A volume comes to be: blank, from a snapshot, or as a clone.

use super::{advance, pool_of};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    DiskOffering, Failure, RecordKind, Snapshot, StoragePool, Stored, Volume, VolumeEvent,
    VolumeState,
};
use crate::orchestration::allocation::Wanted;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With, event};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    CreateRequest, CreateSource, Details, ImageFormat, PluginErrorKind, ProvisioningType,
    QualityOfService, VolumeType,
};
use uuid::Uuid;

/// What a new volume is to be.
#[derive(Debug, Clone, Default)]
pub struct CreateVolume {
    /// Its name; its uuid if none is given.
    pub name: Option<String>,
    /// The zone; that of its source if none is given.
    pub zone: Option<Uuid>,
    /// Its disk offering.
    pub disk_offering: Option<Uuid>,
    /// Its size in bytes, where offering or source leave it open.
    pub size_bytes: Option<u64>,
    /// What its bytes are to begin with.
    pub source: Option<VolumeSource>,
    /// The pool it has to be on.
    pub pool: Option<Uuid>,
    /// The tags its pool must have, beside those of its offering.
    pub tags: Vec<String>,
}

/// What a volume's bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VolumeSource {
    /// Those of a snapshot.
    Snapshot(Uuid),
    /// Those of another volume.
    Volume(Uuid),
}

impl super::Volumes {
    /// Begins to create a volume (`createVolume`). Its record is there when this returns, in state
    /// Creating, and its space is reserved.
    ///
    /// # Errors
    /// `InvalidArgument` for a wish that contradicts itself, `NotFound`, `CapacityExceeded` with
    /// the reason of each pool.
    pub async fn create(
        &self,
        request: &RequestContext,
        wish: CreateVolume,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let plan = Plan::of(rooms, wish).await?;
        let mut last = None;
        for pool in rooms.candidates(&plan.wanted).await? {
            let volume = plan.volume(rooms, &pool).await?;
            match self.create_on(request, &plan, &volume, &pool).await {
                // Someone else took the room, or the pool left: the next one may do.
                Err(failure) if may_do_elsewhere(&failure) => last = Some(failure),
                result => return result,
            }
        }
        Err(last.unwrap_or_else(|| Failure::no_room("no storage pool takes the volume")))
    }

    async fn create_on(
        &self,
        request: &RequestContext,
        plan: &Plan,
        volume: &Volume,
        pool: &Stored<StoragePool>,
    ) -> Result<Started, Failure> {
        let mut changes = vec![
            Change::Expect { kind: RecordKind::StoragePool, uuid: pool.uuid, states: vec!["Up"] },
            Change::insert(volume),
            Change::Reserve { store: pool.uuid, owner: volume.uuid, bytes: volume.size_bytes },
        ];
        let mut with = With::default();
        if let Some(source) = plan.source {
            let (kind, uuid, state) = match source {
                VolumeSource::Snapshot(uuid) => (RecordKind::Snapshot, uuid, "BackedUp"),
                VolumeSource::Volume(uuid) => (RecordKind::Volume, uuid, "Ready"),
            };
            changes.push(Change::Expect { kind, uuid, states: vec![state] });
            with.shared.push(uuid);
        }
        let state = State { volume: volume.uuid, source: plan.source };
        let object = (RecordKind::Volume, volume.uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// Whether another pool may take what this one did not.
fn may_do_elsewhere(failure: &Failure) -> bool {
    use PluginErrorKind::{CapacityExceeded, Conflict, Unavailable};
    matches!(failure.kind, CapacityExceeded | Conflict | Unavailable)
}

/// A wish that was checked.
struct Plan {
    uuid: Uuid,
    name: String,
    wanted: Wanted,
    offering: Option<Stored<DiskOffering>>,
    source: Option<VolumeSource>,
}

impl Plan {
    async fn of(rooms: &Rooms, wish: CreateVolume) -> Result<Self, Failure> {
        let uuid = Uuid::new_v4();
        let offering = match wish.disk_offering {
            Some(offering) => Some(rooms.find_disk_offering(offering).await?),
            None => None,
        };
        let source = match wish.source {
            Some(source) => Some(Source::find(rooms, source).await?),
            None => None,
        };
        let zone = match (wish.zone, &source) {
            (Some(zone), _) => zone,
            (None, Some(source)) => source.zone,
            (None, None) => return Err(Failure::invalid("a blank volume needs a zone (zoneid)")),
        };
        let size_bytes = size(wish.size_bytes, offering.as_deref(), source.as_ref())?;
        let mut tags = wish.tags;
        tags.extend(offering.iter().flat_map(|offering| offering.tags.iter().cloned()));
        let pool = match (&source, wish.pool) {
            (Some(source), Some(pool)) if source.pool != pool => {
                return Err(Failure::invalid(format!(
                    "a volume from a snapshot or volume begins on the pool of its source, {}; \
                     migrate it afterwards",
                    source.pool
                )));
            }
            (Some(source), _) => Some(source.pool),
            (None, pool) => pool,
        };
        Ok(Self {
            uuid,
            name: wish.name.unwrap_or_else(|| format!("volume-{uuid}")),
            wanted: Wanted { zone, size_bytes, tags, pool },
            offering,
            source: wish.source,
        })
    }

    /// The record of the volume on a pool, its size as the pool's driver makes it.
    async fn volume(&self, rooms: &Rooms, pool: &Stored<StoragePool>) -> Result<Volume, Failure> {
        let mut access = rooms.access(pool.uuid).await?;
        let call = storage_plugin_api::CallContext::new(self.uuid);
        let capabilities = access.capabilities(&call).await?;
        let limits = capabilities.limits;
        let size_bytes = limits.round_up(self.wanted.size_bytes).ok_or_else(|| {
            Failure::invalid(format!(
                "a volume of {} bytes is larger than storage pool {:?} makes: at most {}",
                self.wanted.size_bytes, pool.name, limits.max_size_bytes
            ))
        })?;
        let can = match self.source {
            None => true,
            Some(VolumeSource::Snapshot(_)) => capabilities.can_create_volume_from_snapshot,
            Some(VolumeSource::Volume(_)) => capabilities.can_create_volume_from_volume,
        };
        if !can {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot make a volume from a snapshot or volume",
                pool.provider, pool.name
            )));
        }
        let offering = self.offering.as_ref();
        Ok(Volume {
            uuid: self.uuid,
            name: self.name.clone(),
            state: VolumeState::Creating,
            note: None,
            zone: self.wanted.zone,
            pool: Some(pool.uuid),
            disk_offering: offering.map(|offering| offering.uuid),
            snapshot: match self.source {
                Some(VolumeSource::Snapshot(snapshot)) => Some(snapshot),
                _ => None,
            },
            size_bytes,
            physical_size_bytes: None,
            path: String::new(),
            details: Details::new(),
            volume_type: VolumeType::DataDisk,
            format: ImageFormat::Raw,
            provisioning_type: offering
                .map_or(ProvisioningType::Thin, |offering| offering.provisioning_type),
            quality_of_service: offering
                .map_or_else(QualityOfService::default, |offering| offering.quality_of_service),
            instance: None,
            device_id: None,
            destroyed_us: None,
            released: false,
        })
    }
}

/// The size that wish, offering and source agree on.
fn size(
    wished: Option<u64>,
    offering: Option<&DiskOffering>,
    source: Option<&Source>,
) -> Result<u64, Failure> {
    let of_source = source.map(|source| source.size_bytes);
    let size = match (offering.and_then(|offering| offering.size_bytes), wished, of_source) {
        (Some(fixed), Some(wished), _) if fixed != wished => {
            return Err(Failure::invalid(format!(
                "the disk offering has a size of its own, {fixed} bytes; leave size away, or take \
                 an offering without one"
            )));
        }
        (Some(fixed), _, _) => fixed,
        (None, Some(wished), _) => wished,
        (None, None, Some(of_source)) => of_source,
        (None, None, None) => {
            return Err(Failure::invalid(
                "a blank volume needs a size, or a disk offering that has one",
            ));
        }
    };
    if size == 0 {
        return Err(Failure::invalid("a volume needs a size of more than 0 bytes"));
    }
    match of_source {
        Some(of_source) if size < of_source => Err(Failure::invalid(format!(
            "the source has {of_source} bytes, which do not fit into {size}"
        ))),
        _ => Ok(size),
    }
}

/// What the source of a volume says of it.
struct Source {
    zone: Uuid,
    pool: Uuid,
    size_bytes: u64,
}

impl Source {
    async fn find(rooms: &Rooms, source: VolumeSource) -> Result<Self, Failure> {
        match source {
            VolumeSource::Snapshot(uuid) => {
                let snapshot = rooms.find_snapshot(uuid).await?;
                Ok(Self {
                    zone: snapshot.volume.zone,
                    pool: snapshot.pool,
                    size_bytes: snapshot.volume.size_bytes,
                })
            }
            VolumeSource::Volume(uuid) => {
                let volume = rooms.find_volume(uuid).await?;
                let pool = pool_of(&volume)?;
                Ok(Self { zone: volume.zone, pool, size_bytes: volume.size_bytes })
            }
        }
    }
}

impl Rooms {
    async fn find_disk_offering(&self, uuid: Uuid) -> Result<Stored<DiskOffering>, Failure> {
        let found = self.repository.find::<DiskOffering>(uuid).await?;
        let offering =
            found.ok_or_else(|| Failure::not_found(format!("there is no disk offering {uuid}")))?;
        if offering.active {
            Ok(offering)
        } else {
            Err(Failure::invalid(format!("disk offering {:?} is not active", offering.name)))
        }
    }

    /// A snapshot that was not removed.
    pub(in crate::orchestration) async fn find_snapshot(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<Snapshot>, Failure> {
        let found = self.repository.find::<Snapshot>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no snapshot {uuid}")))
    }
}

/// `volume.create`: the driver makes the volume, then its record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    source: Option<VolumeSource>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.create";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("make it on the pool", step_fn!(make)).undone_by(step_fn!(unmake))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn make(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let pool = self.0.access(pool_of(&volume)?).await?;
        let mut create = CreateRequest::new(volume.as_seen_by_plugins(volume.id));
        create.source = self.source(state).await?;
        let call = context.call();
        let made = pool.driver.create_async(&call, &pool.context, create);
        let made = pool.guarded(&call, made).await?;

        volume.path = made.path;
        volume.details = made.details;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if !shown.present {
            return Err(pool.contradiction("made the volume", "is not there"));
        }
        if shown.size_bytes < volume.size_bytes {
            return Err(pool.contradiction("made the volume", "is smaller than asked for"));
        }
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes.or(made.physical_size_bytes);
        volume.format = made.format.or(shown.format).unwrap_or(volume.format);
        advance(&mut volume, &[VolumeEvent::OperationSucceeded])?;
        let object = (RecordKind::Volume, volume.uuid);
        Ok(vec![
            Change::Reserve { store: pool.pool.uuid, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            event(
                "VOLUME.CREATE",
                object,
                context.operation(),
                context.account(),
                format!("volume {:?} was created on {:?}", volume.name, pool.pool.name),
            ),
        ])
    }

    async fn source(&self, state: &State) -> Result<CreateSource, StepError> {
        Ok(match state.source {
            None => CreateSource::Blank,
            Some(VolumeSource::Snapshot(uuid)) => {
                let snapshot = self.0.find_snapshot(uuid).await?;
                CreateSource::Snapshot(snapshot.as_seen_by_plugins(snapshot.id))
            }
            Some(VolumeSource::Volume(uuid)) => {
                let volume = self.0.find_volume(uuid).await?;
                CreateSource::Volume(volume.as_seen_by_plugins(volume.id))
            }
        })
    }

    async fn unmake(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        let pool = self.0.access(pool_of(&volume)?).await?;
        pool.delete(context, volume.as_seen_by_plugins(volume.id)).await?;
        Ok(Vec::new())
    }

    /// The record stays, removed, as proof that the object may not exist.
    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let store = pool_of(&volume)?;
        use VolumeEvent::{DestroyRequested, ExpungingRequested, OperationSucceeded};
        advance(&mut volume, &[DestroyRequested, ExpungingRequested, OperationSucceeded])?;
        Ok(vec![
            Change::update(&volume),
            Change::remove(&volume.record),
            Change::Unreserve { store, owner: volume.uuid },
        ])
    }
}
