//! A volume comes to be: blank, from a snapshot, or as a clone.

use super::plan::{Plan, Planned};
use super::pool_of;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, ObjectInStore, RecordKind, StoragePool, Stored, Volume, VolumeEvent,
};
use crate::orchestration::in_store::Origin;
use crate::orchestration::landing::Keeping;
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{CreateRequest, CreateSource, DataObject, PluginErrorKind};
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
    /// Those of a template.
    Template(Uuid),
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
            let planned = match plan.on(rooms, &pool).await {
                Ok(planned) => planned,
                // It does not answer, or makes no such volume: the next one may.
                Err(failure) => {
                    last = Some(failure);
                    continue;
                }
            };
            match self.create_on(request, &plan, planned, &pool).await {
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
        planned: Planned,
        pool: &Stored<StoragePool>,
    ) -> Result<Started, Failure> {
        let Planned { volume, by_stream } = planned;
        let is_by_stream = by_stream.is_some();
        let mut changes = vec![
            Change::expect(RecordKind::StoragePool, pool.uuid, "Up"),
            Change::insert(&volume),
            Change::Reserve { store: pool.uuid, owner: volume.uuid, bytes: volume.size_bytes },
        ];
        let mut with = With::default();
        if let Some(source) = plan.source {
            let (kind, uuid, state) = match source {
                VolumeSource::Snapshot(uuid) => (RecordKind::Snapshot, uuid, "BackedUp"),
                VolumeSource::Volume(uuid) => (RecordKind::Volume, uuid, "Ready"),
                VolumeSource::Template(uuid) => (RecordKind::Template, uuid, "Active"),
            };
            changes.push(Change::expect(kind, uuid, state));
            with.shared.push(uuid);
            changes.extend(plan.source_pool.map(expect_in_use));
            if let (VolumeSource::Snapshot(uuid), None) = (source, plan.source_pool) {
                // Nor do its bytes go to another store while they are read.
                let places = self.rooms.places_of(uuid).await?;
                with.shared.extend(places.iter().map(|place| place.uuid));
            }
        }
        if let Some(asked) = by_stream {
            // Nor goes the pool into maintenance meanwhile.
            with.shared.extend(plan.source_pool);
            changes.extend(asked);
        }
        let state = State { volume: volume.uuid, source: plan.source, by_stream: is_by_stream };
        let object = (RecordKind::Volume, volume.uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// Whether another pool may take what this one did not.
fn may_do_elsewhere(failure: &Failure) -> bool {
    use PluginErrorKind::{CapacityExceeded, Conflict, Unavailable};
    matches!(failure.kind, CapacityExceeded | Conflict | Unavailable)
}

/// `volume.create`: the driver makes the volume, then its record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    source: Option<VolumeSource>,
    /// The host moves the bytes of the source.
    #[serde(default)]
    by_stream: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.create";
    const VERSION: u32 = 2;
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
        let template = match state.source {
            Some(VolumeSource::Template(uuid)) => {
                Some(self.0.template_on_pool(context, uuid, pool.pool.uuid).await?)
            }
            _ => None,
        };
        if !state.by_stream {
            create.source = self.source(state, template.as_ref()).await?;
        }
        let call = context.call();
        let made = pool.driver.create_async(&call, &pool.context, create);
        let made = pool.guarded(&call, made).await?;

        volume.path = made.path;
        volume.details = made.details;
        if state.by_stream {
            self.fill(context, state, template.as_ref(), (&pool, &mut volume)).await?;
        }
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if volume.path.is_empty() {
            return Err(pool.contradiction("made the volume", "has no path to find it by"));
        }
        if !shown.present {
            return Err(pool.contradiction("made the volume", "is not there"));
        }
        if shown.size_bytes < volume.size_bytes {
            return Err(pool.contradiction("made the volume", "is smaller than asked for"));
        }
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes.or(made.physical_size_bytes);
        volume.format = made.format.or(shown.format).unwrap_or(volume.format);
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let object = (RecordKind::Volume, volume.uuid);
        Ok(vec![
            Change::Reserve { store: pool.pool.uuid, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            context.event(
                "VOLUME.CREATE",
                object,
                format!("volume {:?} was created on {:?}", volume.name, pool.pool.name),
            ),
        ])
    }

    /// Moves the bytes of the source onto the volume, which was made blank; what broke off goes on.
    async fn fill(
        &self,
        context: &StepContext,
        state: &State,
        template: Option<&Stored<ObjectInStore>>,
        (pool, volume): (&PoolAccess<'_>, &mut Stored<Volume>),
    ) -> Result<(), StepError> {
        let origin = match (state.source, template) {
            (None, _) => return Ok(()),
            (Some(VolumeSource::Snapshot(uuid)), _) => {
                let snapshot = self.0.find_snapshot(uuid).await?;
                match snapshot.on_primary {
                    true => Origin::Snapshot(uuid),
                    false => {
                        let one = self.0.snapshot_in_store(&snapshot, volume.zone).await?;
                        let gone = || Failure::not_found(format!("snapshot {uuid} is nowhere"));
                        Origin::InStore(one.ok_or_else(gone)?.uuid)
                    }
                }
            }
            (Some(VolumeSource::Volume(uuid)), _) => Origin::Volume(uuid),
            (Some(VolumeSource::Template(_)), Some(one)) => Origin::InStore(one.uuid),
            (Some(VolumeSource::Template(uuid)), None) => {
                return Err(Failure::not_found(format!("there is no template {uuid}")).into());
            }
        };
        let from = self.0.bytes_of(origin).await?;
        let to = volume.as_seen_by_plugins(volume.id).into();
        let (source, length) = ((&from.access, from.object), from.length_bytes);
        let mut keep = Keeping::again(&self.0, volume.clone(), from.same);
        let moved = self.0.move_bytes(context, source, (pool, to), length, &mut keep).await?;
        *volume = keep.one;
        volume.checkpoint = None;
        if let Some(path) = moved.path {
            volume.path = path;
        }
        Ok(())
    }

    async fn source(
        &self,
        state: &State,
        template: Option<&Stored<ObjectInStore>>,
    ) -> Result<CreateSource, StepError> {
        Ok(match (state.source, template) {
            (None, _) => CreateSource::Blank,
            (Some(VolumeSource::Snapshot(uuid)), _) => {
                let snapshot = self.0.find_snapshot(uuid).await?;
                CreateSource::Snapshot(snapshot.as_seen_by_plugins(snapshot.id))
            }
            (Some(VolumeSource::Volume(uuid)), _) => {
                let volume = self.0.find_volume(uuid).await?;
                CreateSource::Volume(volume.as_seen_by_plugins(volume.id))
            }
            (Some(VolumeSource::Template(uuid)), one) => {
                let template = self.0.find_template(uuid).await?;
                let info = template.as_seen_by_plugins(template.id);
                match one.map(|one| one.here(info.clone())) {
                    Some(DataObject::Template(here)) => CreateSource::Template(here),
                    _ => CreateSource::Template(info),
                }
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
        volume.state = volume
            .state
            .next(DestroyRequested)?
            .next(ExpungingRequested)?
            .next(OperationSucceeded)?;
        volume.checkpoint = None;
        Ok(vec![
            Change::update(&volume),
            Change::remove(&volume.record),
            Change::Unreserve { store, owner: volume.uuid },
        ])
    }
}
