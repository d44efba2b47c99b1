//! A policy is shown to users, or is not. What it does is changed by making it anew (`create.rs`).

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::SnapshotPolicies {
    /// Begins to change a policy (`updateSnapshotPolicy`).
    ///
    /// # Errors
    /// `NotFound`, `InUse`.
    pub async fn update(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        is_displayed: Option<bool>,
    ) -> Result<Started, Failure> {
        let policy = self.find(uuid).await?;
        let is_displayed = is_displayed.unwrap_or(policy.is_displayed);
        let object = (RecordKind::SnapshotPolicy, uuid);
        let state = State { policy: uuid, is_displayed };
        self.rooms.begin::<Flow>(request, object, With::default(), Vec::new(), &state).await
    }
}

/// `snapshotpolicy.update`: the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    policy: Uuid,
    is_displayed: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "snapshotpolicy.update";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::local("change it", step_fn!(change))];
}

impl Flow {
    async fn change(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut policy = self.0.find_snapshot_policy(state.policy).await?;
        policy.is_displayed = state.is_displayed;
        let word = if state.is_displayed { "shown" } else { "not shown" };
        let told = format!(
            "the {} snapshot policy of volume {} is {word} to users",
            policy.schedule.interval, policy.volume
        );
        Ok(vec![
            Change::update(&policy),
            context.event("SNAPSHOTPOLICY.UPDATE", (RecordKind::SnapshotPolicy, policy.uuid), told),
        ])
    }
}
