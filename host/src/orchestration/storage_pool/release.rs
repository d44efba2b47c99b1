//! The operator's way out of a quarantine: the pool is connected again, with a takeover if the
//! operator says that this host is the one that counts.
//!
//! **Invariant:** without a takeover nothing on the back end changes hands: who was refused is
//! refused again.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::StoragePools {
    /// Begins to take a pool out of quarantine (`releaseStoragePoolQuarantine`). With `takeover`,
    /// this host's epoch is raised above that of the back end.
    ///
    /// # Errors
    /// `Conflict` for a pool that is in none; `Unavailable` while its provider is missing.
    pub async fn release_quarantine(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        takeover: bool,
    ) -> Result<Started, Failure> {
        let pool = self.rooms.find_pool(uuid).await?;
        if pool.quarantine.is_none() {
            return Err(Failure::conflict(format!(
                "storage pool {:?} is in no quarantine",
                pool.name
            )));
        }
        self.rooms.access_to(pool)?.life_cycle()?;
        let object = (RecordKind::StoragePool, uuid);
        let state = State { pool: uuid, takeover };
        self.rooms.begin::<Flow>(request, object, With::default(), Vec::new(), &state).await
    }
}

/// `pool.release`: connected again, as this host or above the other.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
    takeover: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.release";
    const VERSION: u32 = 1;
    // Nothing to undo: a pool that was not connected is in quarantine as before.
    const STEPS: &'static [Step<Self>] = &[Step::outside("connect it", step_fn!(connect))];
}

impl Flow {
    async fn connect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
        let mut connected = self.0.connect(context, &access).await;
        if let Err(refusal) = connected {
            let title = format!("storage pool {:?}", access.pool.name);
            self.0.take_over(context, &title, refusal, state.takeover).await?;
            access = self.0.access_to(self.0.find_pool(state.pool).await?)?;
            connected = self.0.connect(context, &access).await;
        }
        let mut changes = connected?;
        self.0.connected.add(state.pool);
        let mut pool = access.pool;
        pool.quarantine = None;
        let told = format!("storage pool {:?} was released from quarantine", pool.name);
        let object = (RecordKind::StoragePool, pool.uuid);
        changes.extend([
            Change::update(&pool),
            context.event("POOL.QUARANTINE.RELEASE", object, told),
        ]);
        Ok(changes)
    }
}
