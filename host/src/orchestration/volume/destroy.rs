//! A volume is destroyed; `recover.rs` brings it back while there is time.
//!
//! What it is not: the end of its bytes; that is `expunge.rs`, which a periodic task begins here
//! for every volume whose time is over.

use super::expect_detached;
use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, Machine, RecordKind, Stored, Volume, VolumeEvent, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter, now_us};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

/// How long a volume that could not be expunged is left alone before it is tried again.
const AFTER_A_FAILURE: Duration = Duration::from_hours(1);

impl super::Volumes {
    /// Begins to destroy a volume (`destroyVolume`): it can be recovered until it is expunged.
    ///
    /// # Errors
    /// `InUse` while it is attached; `Conflict` in a state that does not allow it.
    pub async fn destroy(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let volume = self.rooms.find_volume(uuid).await?;
        self.destroy_as_read(request, &volume).await
    }

    /// Begins to destroy a volume, unless its record changed since it was read.
    pub(super) async fn destroy_as_read(
        &self,
        request: &RequestContext,
        volume: &Stored<Volume>,
    ) -> Result<Started, Failure> {
        let uuid = volume.uuid;
        expect_detached(volume)?;
        // Asked here only: nothing changes before the step.
        volume.state.next(VolumeEvent::DestroyRequested)?;
        // Nobody attached it since it was read.
        let changes = vec![Change::ExpectUnused(uuid), Change::update(volume)];
        let object = (RecordKind::Volume, uuid);
        let state = State { volume: uuid };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }

    /// Begins to expunge every volume whose time to be recovered is over at a moment.
    ///
    /// # Errors
    /// The store's. A volume that somebody has, that snapshots need, or whose pool is not there, is
    /// left to the next round; one that cannot be expunged keeps the reason in its note.
    pub async fn expunge_due(&self, now_us: i64) -> Result<Vec<Started>, Failure> {
        let filter = Filter { states: vec![VolumeState::Destroy.as_str()], ..Filter::default() };
        let request = RequestContext::system("expungeVolume");
        let mut begun = Vec::new();
        for volume in self.rooms.repository.list::<Volume>(&filter).await? {
            if !self.is_due(&volume, now_us) {
                continue;
            }
            // As it was listed: who recovered it meanwhile keeps it.
            match self.expunge_as_read(&request, volume.clone()).await {
                Ok(started) => begun.push(started),
                Err(failure) if may_do_next_round(&failure) => {
                    log::info!(
                        "volume {:?} ({}) is not expunged in this round: {failure}",
                        volume.name,
                        volume.uuid
                    );
                }
                Err(failure) => self.note(volume, &failure).await?,
            }
        }
        Ok(begun)
    }

    fn is_due(&self, volume: &Stored<Volume>, now_us: i64) -> bool {
        let after = |since: i64, wait: Duration| {
            since.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)) <= now_us
        };
        let delay = self.rooms.policy.expunge_delay;
        let failed = volume.note.is_some();
        after(volume.destroyed_us.unwrap_or_default(), delay)
            && (!failed || after(volume.updated_us, AFTER_A_FAILURE.min(delay)))
    }

    async fn note(&self, mut volume: Stored<Volume>, failure: &Failure) -> Result<(), Failure> {
        volume.note = Some(format!("it cannot be expunged: {failure}"));
        match self.rooms.repository.transact(vec![Change::update(&volume)]).await {
            // Somebody is at it: then the reason is an old one.
            Err(crate::store::Refused::Changed { .. } | crate::store::Refused::Missing { .. }) => {
                Ok(())
            }
            noted => Ok(noted?),
        }
    }

    /// Expunges what is due, now and then, as long as the host runs.
    pub(in crate::orchestration) fn expunge_periodically(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        let interval = self.rooms.policy.expunge_interval;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                if let Err(failure) = (Self { rooms }).expunge_due(now_us()).await {
                    log::warn!("destroyed volumes cannot be looked for: {failure}");
                }
            }
        });
    }
}

/// Whether somebody else has a volume, or its pool is not there: the next round will see.
fn may_do_next_round(failure: &Failure) -> bool {
    use PluginErrorKind::{Conflict, InUse, Unavailable};
    matches!(failure.kind, Conflict | InUse | Unavailable)
}

/// `volume.destroy`: the record says so. Its bytes stay.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.destroy";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::local("destroy it", step_fn!(destroy))];
}

impl Flow {
    async fn destroy(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::DestroyRequested)?;
        volume.destroyed_us = Some(now_us());
        let told = format!("volume {:?} was destroyed", volume.name);
        Ok(vec![
            Change::update(&volume),
            context.event("VOLUME.DESTROY", (RecordKind::Volume, volume.uuid), told),
        ])
    }
}
