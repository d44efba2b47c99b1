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
use storage_plugin_api::PluginErrorKind;
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
        if let Err(error) = &connected
            && error.failure.kind == PluginErrorKind::Conflict
        {
            let said = error.failure.message.clone();
            if !state.takeover {
                return Err(Failure::conflict(format!(
                    "storage pool {:?} stays in quarantine: {said}; if this host is the one that \
                     counts, release it with takeover=true",
                    access.pool.name
                ))
                .into());
            }
            let other = epoch_in(&error.failure).ok_or_else(|| {
                Failure::conflict(format!(
                    "storage pool {:?} cannot be taken over, for its provider does not say from \
                     which epoch: {said}",
                    access.pool.name
                ))
            })?;
            let raised = self.0.repository.raise_epoch_above(other).await?;
            log::warn!(
                operation:% = context.operation();
                "storage pool {:?} is taken over: the epoch of this host is now {raised}, above \
                 {other} of the back end",
                access.pool.name
            );
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

/// The epoch that a driver names in its refusal, as context.
fn epoch_in(refusal: &Failure) -> Option<u64> {
    refusal.context.get("epoch")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::epoch_in;
    use crate::jobs::StepError;
    use storage_plugin_api::PluginError;

    #[test]
    fn the_epoch_is_read_from_context_and_not_from_words() {
        let said = |error: PluginError| StepError::from(error).context("attach").failure;
        let ahead = PluginError::conflict("epoch 9 is ahead").with("epoch", 12);
        assert_eq!(epoch_in(&said(ahead)), Some(12));
        assert_eq!(epoch_in(&said(PluginError::conflict("epoch 9 is ahead"))), None);
    }

    #[test]
    fn a_failure_of_an_older_host_is_read_and_one_without_context_looks_the_same() {
        let text = serde_json::to_string(&said()).unwrap();
        assert!(!text.contains("context"), "{text}");
        assert_eq!(serde_json::from_str::<crate::model::Failure>(&text).unwrap(), said());
    }

    fn said() -> crate::model::Failure {
        crate::model::Failure::conflict("no")
    }
}
