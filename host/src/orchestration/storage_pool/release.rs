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
            return Err(Failure::conflict(format!("{} is in no quarantine", pool.title())));
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
        let (rooms, uuid) = (&self.0, state.pool);
        let title = rooms.find_pool(uuid).await?.title();
        let connect = || async move {
            let access = rooms.access_to(rooms.find_pool(uuid).await?)?;
            let changes = rooms.connect(context, &access).await?;
            Ok((access.pool, changes))
        };
        let connected = rooms.connect_or_take_over(context, &title, state.takeover, connect);
        let (mut pool, mut changes) = connected.await?;
        rooms.connected.add(uuid);
        pool.quarantine = None;
        let told = format!("{title} was released from quarantine");
        let object = (RecordKind::StoragePool, pool.uuid);
        changes.extend([
            Change::update(&pool),
            context.event("POOL.QUARANTINE.RELEASE", object, told),
        ]);
        Ok(changes)
    }
}
