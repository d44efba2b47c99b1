//! A storage pool goes into maintenance: nobody uses it, and its hypervisor hosts leave it.
//!
//! **Invariant:** a way into maintenance that failed ends in `ErrorInMaintenance`, whatever of it
//! could be undone: from there it is tried again, or cancelled.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn, uses_of};
use crate::model::{
    Failure, Instance, Machine, RecordKind, Snapshot, StoragePool, StoragePoolEvent, Volume,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter, Key};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

impl super::StoragePools {
    /// Begins to take a pool into maintenance (`enableStorageMaintenance`).
    ///
    /// # Errors
    /// `InUse` while an instance that runs has a volume of it, naming both; `Conflict` in a state
    /// that does not allow it.
    pub async fn enable_maintenance(
        &self,
        request: &RequestContext,
        uuid: Uuid,
    ) -> Result<Started, Failure> {
        let mut pool = self.rooms.find_pool(uuid).await?;
        pool.state = pool.state.next(StoragePoolEvent::MaintainRequested)?;
        self.rooms.access_unconnected(pool.clone())?.life_cycle()?;
        self.rooms.refuse_running_users(&pool).await?;
        let object = (RecordKind::StoragePool, uuid);
        let changes = vec![Change::update(&pool)];
        self.rooms
            .begin::<Flow>(request, object, With::default(), changes, &State { pool: uuid })
            .await
    }
}

/// `pool.maintain`: the hosts leave, then the life cycle agrees.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.maintain";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        // Again, for an instance may have started while the operation began.
        Step::local("wait until nobody works on it", step_fn!(look)),
        Step::outside("disconnect the hypervisor hosts", step_fn!(disconnect))
            .undone_by(step_fn!(reconnect)),
        Step::outside("tell the life cycle", step_fn!(maintain))
            .undone_by(step_fn!(cancel_maintain)),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let mut pool = self.0.find_pool(state.pool).await?;
            pool.state = pool.state.next(StoragePoolEvent::OperationFailed)?;
            Ok(vec![Change::update(&pool)])
        })
    }
}

impl Flow {
    async fn look(&self, _: &StepContext, state: &mut State) -> Result<Vec<Change>, StepError> {
        let pool = self.0.find_pool(state.pool).await?;
        self.0.refuse_running_users(&pool).await?;
        self.0.refuse_running_work(&pool).await?;
        Ok(Vec::new())
    }

    async fn disconnect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        // Nobody works on it any more, and nobody gets to it until it is connected again: one call
        // more, and its file system could not be unmounted.
        self.0.connected.remove(state.pool);
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        self.0.disconnect(context, &access).await
    }

    async fn reconnect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?);
        let Some(access) = as_far_as_possible(context, "reach it", access)? else {
            return Ok(Vec::new());
        };
        // Attached as well: the host may have been started again since it was in use.
        let connected = self.0.connect(context, &access).await;
        // What does not connect is logged; the way out of maintenance tries again.
        let Some(changes) = as_far_as_possible(context, "connect it again", connected)? else {
            return Ok(Vec::new());
        };
        self.0.connected.add(state.pool);
        Ok(changes)
    }

    async fn maintain(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        access.guarded(&call, life_cycle.maintain(&call, &access.context)).await?;
        let mut pool = access.pool;
        pool.state = pool.state.next(StoragePoolEvent::OperationSucceeded)?;
        let told = format!("storage pool {:?} is in maintenance", pool.name);
        let object = (RecordKind::StoragePool, pool.uuid);
        Ok(vec![Change::update(&pool), context.event("MAINT.PREPARE.PS", object, told)])
    }

    async fn cancel_maintain(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let undone = self.0.leave_maintenance(context, state.pool).await;
        as_far_as_possible(context, "cancel its maintenance", undone)?;
        Ok(Vec::new())
    }
}

/// How often an undo is tried that may also be left to the operator.
const PATIENCE: u32 = 4;

/// Where the record says what counts, nothing on the way back may hold an operation up for ever:
/// what cannot be undone soon is left as it is.
pub(super) fn as_far_as_possible<T>(
    context: &StepContext,
    doing: &str,
    result: Result<T, StepError>,
) -> Result<Option<T>, StepError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.retrying == jobs::Retrying::AtNextStart => Err(error),
        Err(error) if error.retrying != jobs::Retrying::Never && context.attempt() < PATIENCE => {
            Err(error)
        }
        Err(error) => {
            log::warn!(
                operation:% = context.operation();
                "what was begun with the storage pool is not all undone, for the host could not \
                 {doing}: {}",
                error.failure
            );
            Ok(None)
        }
    }
}

impl Rooms {
    /// Tells the life cycle that the pool leaves maintenance, be it half-entered.
    pub(super) async fn leave_maintenance(
        &self,
        context: &StepContext,
        pool: Uuid,
    ) -> Result<(), StepError> {
        let access = self.access_unconnected(self.find_pool(pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        access.guarded(&call, life_cycle.cancel_maintain(&call, &access.context)).await?;
        Ok(())
    }

    /// Fails, to be tried again, while an operation works on a volume or snapshot of a pool, or
    /// uses the pool, as one does that moves a volume there.
    async fn refuse_running_work(&self, pool: &StoragePool) -> Result<(), StepError> {
        let uses = uses_of(pool.uuid);
        let claims = self.repository.list_claims().await?.into_iter();
        let users: HashSet<Uuid> = claims
            .filter(|claim| claim.name.starts_with(&uses))
            .map(|claim| claim.holder)
            .collect();
        for operation in self.repository.unfinished_operations().await? {
            let on = match operation.object {
                Some((RecordKind::Volume, uuid)) => {
                    let volume = self.repository.find_any::<Volume>(Key::Uuid(uuid)).await?;
                    volume.and_then(|volume| volume.pool)
                }
                Some((RecordKind::Snapshot, uuid)) => {
                    let snapshot = self.repository.find_any::<Snapshot>(Key::Uuid(uuid)).await?;
                    snapshot.map(|snapshot| snapshot.pool)
                }
                _ => None,
            };
            if on == Some(pool.uuid) || users.contains(&operation.uuid) {
                let failure = Failure::in_use(format!(
                    "operation {} ({}) works on storage pool {:?}; wait for it, or cancel it",
                    operation.uuid, operation.flow, pool.name
                ));
                return Err(StepError { failure, retrying: jobs::Retrying::Later(None) });
            }
        }
        Ok(())
    }

    /// Fails with the names of the volumes of a pool that instances use which run.
    async fn refuse_running_users(&self, pool: &StoragePool) -> Result<(), StepError> {
        let filter = Filter { owner: Some(pool.uuid), ..Filter::default() };
        let mut users = Vec::new();
        for volume in self.repository.list::<Volume>(&filter).await? {
            let Some(instance) = volume.instance else {
                continue;
            };
            let instance = self.repository.find::<Instance>(instance).await?;
            // Also one on its way: its hypervisor host is being let in, or shut out.
            if let Some(instance) = instance.filter(|one| one.state.has_host()) {
                users.push(format!("{:?} of instance {:?}", volume.name, instance.name));
            }
        }
        if users.is_empty() {
            return Ok(());
        }
        Err(Failure::in_use(format!(
            "storage pool {:?} has volumes of instances that run: {}; stop the instances, or \
             detach or migrate the volumes",
            pool.name,
            users.join(", ")
        ))
        .into())
    }
}
