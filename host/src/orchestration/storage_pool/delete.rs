//! A storage pool is removed: nothing is on it, its life cycle takes away what attaching left.
//!
//! **Invariant:** the record goes last, and stays as proof; until then the pool is in maintenance
//! and can be removed again.

use super::create::identity_of;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, HostPool, Machine, ObjectInStore, RecordKind, Snapshot, StoragePool, StoragePoolEvent,
    StoragePoolState, Stored, Volume, VolumeEvent, VolumeState,
};
use crate::orchestration::in_store::ends;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::StoragePools {
    /// Begins to remove a pool (`deleteStoragePool`). With `forced`, destroyed volumes on it are
    /// expunged first.
    ///
    /// # Errors
    /// `Conflict` where it is not in maintenance; `InUse` while there are volumes or snapshots on
    /// it, naming them; `Unavailable` while its provider is missing.
    pub async fn delete(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        forced: bool,
    ) -> Result<Started, Failure> {
        let pool = self.rooms.find_pool(uuid).await?;
        if pool.state != StoragePoolState::Maintenance {
            return Err(Failure::conflict(format!(
                "storage pool {:?} is not in Maintenance state but in {}; take it into maintenance \
                 first (enableStorageMaintenance)",
                pool.name, pool.state
            )));
        }
        self.rooms.access_unconnected(pool.clone())?.life_cycle()?;
        let volumes = self.rooms.leftovers(&pool, forced).await?;
        let mut changes = vec![Change::update(&pool), Change::ExpectUnused(uuid)];
        for mut volume in volumes.iter().cloned() {
            volume.state = volume.state.next(VolumeEvent::ExpungingRequested)?;
            changes.extend([Change::ExpectUnused(volume.uuid), Change::update(&volume)]);
        }
        let volumes: Vec<Uuid> = volumes.iter().map(|volume| volume.uuid).collect();
        let with = With { exclusive: volumes.clone(), ..With::default() };
        let state = State { pool: uuid, volumes };
        let object = (RecordKind::StoragePool, uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `pool.delete`: destroyed volumes go, then what attaching left, then the record.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
    /// The destroyed volumes that are expunged with it.
    volumes: Vec<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.delete";
    const VERSION: u32 = 1;
    // Bytes do not come back, so all that is undone is what the store says of them. A failure
    // leaves the pool in maintenance.
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("expunge destroyed volumes and cached templates", step_fn!(expunge))
            .undone_by(step_fn!(look)),
        Step::outside("remove it from the back end", step_fn!(remove)),
    ];

    /// What was not expunged stays destroyed.
    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let mut changes = Vec::new();
            for uuid in &state.volumes {
                let Some(mut volume) = self.0.repository.find::<Volume>(*uuid).await? else {
                    continue;
                };
                if volume.state == VolumeState::Expunging {
                    volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
                    changes.push(Change::update(&volume));
                }
            }
            Ok(changes)
        })
    }
}

impl Flow {
    async fn expunge(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        // Templates that are cached there are nobody's loss.
        for one in self.cached(state.pool).await? {
            access.delete(context, self.0.object_here(&one).await?).await?;
            changes.extend(ends(one)?);
        }
        for uuid in &state.volumes {
            let mut volume = self.0.find_volume(*uuid).await?;
            access.delete(context, volume.as_seen_by_plugins(volume.id)).await?;
            volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
            changes.extend([
                Change::Unreserve { store: state.pool, owner: volume.uuid },
                Change::update(&volume),
                Change::remove(&volume.record),
                context.event(
                    "VOLUME.EXPUNGE",
                    (RecordKind::Volume, volume.uuid),
                    format!("volume {:?} was removed with its storage pool", volume.name),
                ),
            ]);
        }
        Ok(changes)
    }

    /// A cached template that went before the step failed is there no more: the next volume brings
    /// it anew.
    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        for one in self.cached(state.pool).await? {
            if !access.describe(context, self.0.object_here(&one).await?).await?.present {
                changes.extend(ends(one)?);
            }
        }
        Ok(changes)
    }

    /// The templates that are cached on a pool.
    async fn cached(&self, pool: Uuid) -> Result<Vec<Stored<ObjectInStore>>, StepError> {
        let filter = Filter { owner: Some(pool), ..Filter::default() };
        Ok(self.0.repository.list(&filter).await?)
    }

    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        access.guarded(&call, life_cycle.delete_data_store(&call, &access.context)).await?;
        self.0.connected.remove(state.pool);
        let mut pool = access.pool;
        pool.state = pool.state.next(StoragePoolEvent::RemoveRequested)?;
        let filter = Filter { owner: Some(pool.uuid), ..Filter::default() };
        let known = self.0.repository.list::<HostPool>(&filter).await?;
        let told = format!("storage pool {:?} was removed", pool.name);
        let object = (RecordKind::StoragePool, pool.uuid);
        let mut changes = vec![
            Change::ExpectNone { kind: RecordKind::Volume, owner: pool.uuid },
            Change::ExpectNone { kind: RecordKind::ObjectInStore, owner: pool.uuid },
            Change::update(&pool),
            Change::remove(&pool.record),
            Change::SetLimit { store: pool.uuid, bytes: 0 },
            context.event("POOL.DELETE", object, told),
        ];
        changes.extend(known.iter().map(|one| Change::Forget(RecordKind::HostPool, one.uuid)));
        changes.extend(identity_of(&pool).map(|name| Change::Unclaim { name, holder: pool.uuid }));
        Ok(changes)
    }
}

impl Rooms {
    /// The destroyed volumes that may go with a pool.
    ///
    /// # Errors
    /// `InUse`, with the names of what keeps the pool from being removed.
    async fn leftovers(
        &self,
        pool: &Stored<StoragePool>,
        forced: bool,
    ) -> Result<Vec<Stored<Volume>>, Failure> {
        let filter = Filter { owner: Some(pool.uuid), ..Filter::default() };
        let volumes = self.repository.list::<Volume>(&filter).await?;
        let in_the_way: Vec<String> = volumes
            .iter()
            .filter(|volume| !forced || volume.state != VolumeState::Destroy)
            .map(|volume| format!("{:?} ({})", volume.name, volume.state))
            .collect();
        if !in_the_way.is_empty() {
            return Err(Failure::in_use(format!(
                "storage pool {:?} has volumes: {}; {}",
                pool.name,
                in_the_way.join(", "),
                if forced {
                    "only destroyed ones go with it; migrate or destroy the others first"
                } else {
                    "remove them first, or let destroyed ones go with it (forced=true)"
                }
            )));
        }
        let filter = Filter { zone: Some(pool.zone), ..Filter::default() };
        let snapshots: Vec<String> = self
            .repository
            .list::<Snapshot>(&filter)
            .await?
            .iter()
            .filter(|snapshot| snapshot.on_primary && snapshot.pool == pool.uuid)
            .map(|snapshot| format!("{:?}", snapshot.name))
            .collect();
        if snapshots.is_empty() {
            return Ok(volumes);
        }
        Err(Failure::in_use(format!(
            "storage pool {:?} has snapshots: {}; delete them first",
            pool.name,
            snapshots.join(", ")
        )))
    }
}
