//! A volume gets another name. Its back-end name holds its uuid, so no plugin is asked.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Volumes {
    /// Begins to rename a volume (`updateVolume`).
    ///
    /// # Errors
    /// `InvalidArgument` for an empty name, `NotFound`, `InUse`.
    pub async fn rename(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        name: String,
    ) -> Result<Started, Failure> {
        self.rooms.find_volume(uuid).await?;
        if name.trim().is_empty() {
            return Err(Failure::invalid("a volume's name has at least one character"));
        }
        let object = (RecordKind::Volume, uuid);
        let state = State { volume: uuid, name };
        self.rooms.begin::<Flow>(request, object, With::default(), Vec::new(), &state).await
    }
}

/// `volume.update`: the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    name: String,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.update";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::local("rename it", step_fn!(rename))];
}

impl Flow {
    async fn rename(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let before = std::mem::replace(&mut volume.name, state.name.clone());
        let told = format!("volume {before:?} is called {:?} now", volume.name);
        Ok(vec![
            Change::update(&volume),
            context.event("VOLUME.UPDATE", (RecordKind::Volume, volume.uuid), told),
        ])
    }
}
