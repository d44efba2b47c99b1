//! A storage pool comes back from maintenance, or turns back on the way into it.

use super::maintain::{self, as_far_as_possible};
use crate::jobs::{self, Flow as _, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, StoragePoolEvent};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

/// How long a way into maintenance may take to turn back, before what it waits for is told.
const PATIENCE: Duration = Duration::from_secs(10);

impl super::StoragePools {
    /// Begins to take a pool out of maintenance (`cancelStorageMaintenance`). While it is on the
    /// way into maintenance, that operation is cancelled first.
    ///
    /// # Errors
    /// `Conflict` in a state that does not allow it, `Unavailable` while the way into maintenance
    /// cannot turn back.
    pub async fn cancel_maintenance(
        &self,
        request: &RequestContext,
        uuid: Uuid,
    ) -> Result<Started, Failure> {
        let pool = self.rooms.find_pool(uuid).await?;
        self.rooms.access_unconnected(pool)?.life_cycle()?;
        self.turn_back(uuid).await?;
        let mut pool = self.rooms.find_pool(uuid).await?;
        pool.state = pool.state.next(StoragePoolEvent::CancelMaintainRequested)?;
        let object = (RecordKind::StoragePool, uuid);
        let changes = vec![Change::update(&pool)];
        self.rooms
            .begin::<Flow>(request, object, With::default(), changes, &State { pool: uuid })
            .await
    }

    /// Cancels the operation that takes the pool into maintenance, if there is one, and waits for
    /// its end.
    async fn turn_back(&self, pool: Uuid) -> Result<(), Failure> {
        let jobs = &self.rooms.jobs;
        let Some(operation) = self.rooms.under_way(pool).await? else {
            return Ok(());
        };
        if operation.flow != maintain::Flow::NAME {
            return Ok(());
        }
        match jobs.cancel(operation.uuid).await {
            // It ended, or turned back of its own: then it is waited for all the same.
            Err(failure) if failure.kind == PluginErrorKind::Conflict => {}
            cancelled => cancelled?,
        }
        loop {
            if let Ok(ended) = tokio::time::timeout(PATIENCE, jobs.wait(operation.uuid)).await {
                ended?;
                return Ok(());
            }
            if let Some(reason) = jobs.find(operation.uuid).await?.waiting_for {
                return Err(Failure::unavailable(format!(
                    "the way into maintenance was cancelled and turns back in operation {}, which \
                     waits: {reason}; cancel the maintenance again once that is mended",
                    operation.uuid
                )));
            }
        }
    }
}

/// `pool.cancel_maintenance`: the life cycle agrees, then the hosts come back.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.cancel_maintenance";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("tell the life cycle", step_fn!(leave)).undone_by(step_fn!(enter_again)),
        Step::outside("connect the hypervisor hosts", step_fn!(connect))
            .undone_by(step_fn!(disconnect)),
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
    async fn leave(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.leave_maintenance(context, state.pool).await?;
        Ok(Vec::new())
    }

    async fn enter_again(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let entered = self.enter(context, state.pool).await;
        as_far_as_possible(context, "enter maintenance again", entered)?;
        Ok(Vec::new())
    }

    async fn enter(&self, context: &StepContext, pool: Uuid) -> Result<(), StepError> {
        let access = self.0.access_unconnected(self.0.find_pool(pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        access.guarded(&call, life_cycle.maintain(&call, &access.context)).await?;
        Ok(())
    }

    async fn connect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        // Attached as well: the host may have been started again since the pool was in use.
        let mut changes = self.0.connect(context, &access).await?;
        self.0.connected.add(state.pool);
        let mut pool = access.pool;
        pool.state = pool.state.next(StoragePoolEvent::OperationSucceeded)?;
        let told = format!("storage pool {:?} is back from maintenance", pool.name);
        let object = (RecordKind::StoragePool, pool.uuid);
        changes.extend([Change::update(&pool), context.event("MAINT.CANCEL.PS", object, told)]);
        Ok(changes)
    }

    async fn disconnect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.connected.remove(state.pool);
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?);
        match as_far_as_possible(context, "disconnect its hypervisor hosts", access)? {
            Some(access) => self.0.disconnect(context, &access).await,
            None => Ok(Vec::new()),
        }
    }
}
