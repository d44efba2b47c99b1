//! A detached volume moves to another pool.
//!
//! **Invariant:** the source is removed only after the copy was verified and the record that
//! points to it is durable. Until then undoing removes the copy and leaves the source untouched;
//! from then on there is no way back, and the source's space stays reserved until it is gone.

use super::{expect_detached, pool_of};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, StoragePoolState, Stored, Volume, VolumeEvent};
use crate::orchestration::landing::Keeping;
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use storage_plugin_api::{CallContext, Details, QosMigrationRequest, VolumeInfo};
use uuid::Uuid;

impl super::Volumes {
    /// Begins to move a volume to another pool (`migrateVolume`). Its space there is reserved when
    /// this returns.
    ///
    /// # Errors
    /// `InUse` while it is attached, or snapshots of it need it where it is; `Unsupported` where
    /// nobody can copy it; `CapacityExceeded`; `Conflict` where volume or pool are not ready.
    pub async fn migrate(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        to: Uuid,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let mut volume = rooms.find_volume(uuid).await?;
        let from = pool_of(&volume)?;
        expect_detached(&volume)?;
        if from == to {
            return Err(Failure::invalid(format!(
                "volume {:?} is on storage pool {to} already; name another one",
                volume.name
            )));
        }
        let source = rooms.access(from).await?;
        let destination = rooms.access(to).await?;
        if destination.pool.zone != volume.zone {
            return Err(Failure::invalid(format!(
                "storage pool {:?} is not in the zone of volume {:?}; take one that \
                 findStoragePoolsForMigration shows",
                destination.pool.name, volume.name
            )));
        }
        let call = CallContext::new(uuid);
        let size_bytes = destination.size_there(&call, &volume).await?;
        let state =
            State { volume: uuid, from, to, size_bytes, source: Place::of(&volume), copy: None };
        let there = state.destination(&volume);
        let here = volume.as_seen_by_plugins(volume.id);
        rooms.copier(&call, (&source, &here.into()), (&destination, &there.into())).await?;
        volume.state = volume.state.next(VolumeEvent::MigrationRequested)?;
        if !source.capabilities(&call).await?.snapshots_outlive_volume {
            rooms.expect_no_snapshots(&volume).await?;
        }
        let changes = vec![
            expect_in_use(from),
            Change::expect(RecordKind::StoragePool, to, StoragePoolState::Up.as_str()),
            Change::ExpectUnused(uuid),
            Change::update(&volume),
            Change::Reserve { store: to, owner: uuid, bytes: size_bytes },
        ];
        // Neither pool may be removed under it.
        let with = With { shared: vec![from, to], ..With::default() };
        rooms.begin::<Flow>(request, (RecordKind::Volume, uuid), with, changes, &state).await
    }
}

/// `volume.migrate`: copied, then pointed to, then removed where it was.
pub(super) struct Flow(pub(super) Arc<Rooms>);

/// How a driver finds a volume on its pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    path: String,
    details: Details,
    size_bytes: u64,
}

impl Place {
    fn of(volume: &Volume) -> Self {
        Self {
            path: volume.path.clone(),
            details: volume.details.clone(),
            size_bytes: volume.size_bytes,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    from: Uuid,
    to: Uuid,
    /// Its size on the destination.
    size_bytes: u64,
    source: Place,
    copy: Option<Volume>,
}

impl State {
    /// The volume as the destination's driver makes it: by its uuid.
    fn destination(&self, volume: &Stored<Volume>) -> VolumeInfo {
        let mut info = volume.as_seen_by_plugins(volume.id);
        info.path = String::new();
        info.details = Details::new();
        info.size_bytes = self.size_bytes;
        info
    }
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.migrate";
    const VERSION: u32 = 1;
    const SPANS_STORES: bool = true;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("copy it", step_fn!(copy)).undone_by(step_fn!(remove_copy)),
        Step::local("point to the copy", step_fn!(switch)),
        Step::outside("remove it where it was", step_fn!(remove_source)).forward_only(),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay(state))
    }
}

impl Flow {
    async fn copy(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        let from = self.0.access(state.from).await?;
        let to = self.0.access(state.to).await?;
        let here = volume.as_seen_by_plugins(volume.id);
        let there = state.destination(&volume);
        from.limits_for_motion(context, &volume, true).await;
        let (here, there) = ((&*from, here.into()), (&*to, there.into()));
        let (size_bytes, same) = (volume.size_bytes, json!({ "from": state.from }).to_string());
        let mut keep = Keeping::again(&self.0, volume, same);
        let copied = self.0.copy_object(context, here, there, size_bytes, &mut keep).await;
        let volume = keep.one;
        from.limits_for_motion(context, &volume, false).await;
        let copied = copied?.copied;
        let mut copy = volume.record.clone();
        copy.checkpoint = None;
        copy.pool = Some(state.to);
        copy.path = copied.path;
        copy.details = copied.details;
        let shown = to.describe(context, copy.as_seen_by_plugins(volume.id)).await?;
        if !shown.present {
            return Err(to.contradiction("copied the volume", "is not there"));
        }
        if shown.size_bytes < volume.size_bytes {
            return Err(to.contradiction("copied the volume", "is smaller than its source"));
        }
        copy.size_bytes = shown.size_bytes;
        copy.physical_size_bytes = shown.physical_size_bytes.or(copied.physical_size_bytes);
        copy.format = copied.format.or(shown.format).unwrap_or(copy.format);
        let bytes = copy.size_bytes;
        state.copy = Some(copy);
        Ok(vec![Change::Reserve { store: state.to, owner: state.volume, bytes }])
    }

    async fn remove_copy(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        let to = self.0.access(state.to).await?;
        let mut there = state.destination(&volume);
        if let Some(copy) = &state.copy {
            there.path.clone_from(&copy.path);
            there.details.clone_from(&copy.details);
        }
        to.delete(context, there).await?;
        // A host that was killed in the middle of the copy left them raised. A source that does
        // not answer now must not hold the way back up.
        if let Ok(from) = self.0.access(state.from).await {
            from.limits_for_motion(context, &volume, false).await;
        }
        Ok(Vec::new())
    }

    /// From here on the copy is the volume.
    async fn switch(&self, _: &StepContext, state: &mut State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let copy = state.copy.clone().ok_or_else(|| {
            Failure::internal("a volume was copied, and the journal does not say where to")
        })?;
        volume.pool = copy.pool;
        volume.path = copy.path;
        volume.details = copy.details;
        volume.size_bytes = copy.size_bytes;
        volume.physical_size_bytes = copy.physical_size_bytes;
        volume.format = copy.format;
        volume.checkpoint = None;
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        Ok(vec![Change::update(&volume)])
    }

    async fn remove_source(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.0.find_volume(state.volume).await?;
        let from = self.0.access(state.from).await?;
        let mut here = volume.as_seen_by_plugins(volume.id);
        here.path.clone_from(&state.source.path);
        here.details.clone_from(&state.source.details);
        here.size_bytes = state.source.size_bytes;
        from.delete(context, here).await?;
        let told = format!("volume {:?} left {:?}", volume.name, from.pool.name);
        Ok(vec![
            Change::Unreserve { store: state.from, owner: state.volume },
            context.event("VOLUME.MIGRATE", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    async fn stay(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        volume.checkpoint = None;
        Ok(vec![
            Change::update(&volume),
            Change::Unreserve { store: state.to, owner: state.volume },
        ])
    }
}

impl PoolAccess<'_> {
    /// The size that a volume of another pool has here.
    ///
    /// # Errors
    /// `Unsupported` where its bytes are not stored as it has them; `InvalidArgument` where it is
    /// larger than any volume here.
    async fn size_there(&self, call: &CallContext, volume: &Volume) -> Result<u64, Failure> {
        let capabilities = self.capabilities(call).await?;
        if !capabilities.takes(volume.format) {
            return Err(Failure::unsupported(format!(
                "provider {:?} of {} does not store {} bytes, as volume {:?} has them; take a pool \
                 whose provider does",
                self.pool.provider,
                self.pool.title(),
                volume.format,
                volume.name
            )));
        }
        capabilities.limits.round_up(volume.size_bytes).ok_or_else(|| {
            Failure::invalid(format!(
                "volume {:?} has {} bytes, more than {} makes of one: at most {}; take another pool",
                volume.name,
                volume.size_bytes,
                self.pool.title(),
                capabilities.limits.max_size_bytes
            ))
        })
    }

    /// Raises the limits of a volume for its move, or restores them. The move goes on without.
    async fn limits_for_motion(&self, context: &StepContext, volume: &Stored<Volume>, moves: bool) {
        let ask = QosMigrationRequest::new(volume.as_seen_by_plugins(volume.id), moves);
        let call = context.call();
        let set =
            self.driver.handle_quality_of_service_for_volume_migration(&call, &self.context, ask);
        if let Err(error) = self.guarded(&call, set).await {
            log::warn!(
                operation:% = context.operation();
                "the limits of volume {:?} stay as they are while it moves: {error}", volume.name
            );
        }
    }
}
