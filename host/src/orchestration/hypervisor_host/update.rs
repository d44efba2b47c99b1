//! A hypervisor host is renamed, disabled, or enabled again.
//!
//! A disabled host keeps the pools it knows: volumes in use stay reachable. It is not connected to
//! new ones.

use super::listeners::News;
use super::warn;
use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, HostEvent, HostState, Machine, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What of a host is to change. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateHost {
    /// Its name.
    pub name: Option<String>,
    /// Whether it is used.
    pub enabled: Option<bool>,
}

impl super::HypervisorHosts {
    /// Begins to change a host (`updateHost`).
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` for a name that is taken, `Conflict` while it is removed.
    pub async fn update(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        mut wish: UpdateHost,
    ) -> Result<Started, Failure> {
        let mut host = self.rooms.find_hypervisor_host(uuid).await?;
        // What is so already stays, without news.
        wish.enabled = wish.enabled.filter(|enabled| match host.state {
            HostState::Up => !enabled,
            HostState::Disabled => *enabled,
            HostState::Removing => true,
        });
        if let Some(enabled) = wish.enabled {
            host.state.next(switch_event(enabled))?;
        }
        let object = (RecordKind::Host, uuid);
        // There is no way back afterwards, so the name is the host's from the beginning.
        let mut changes = Vec::new();
        if let Some(name) = wish.name.take().filter(|name| *name != host.name) {
            host.name = name;
            changes.push(Change::expect_name_free(&host.record, None));
            changes.push(Change::update(&host));
        }
        let state = State { host: uuid, wish };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

const fn switch_event(enabled: bool) -> HostEvent {
    if enabled { HostEvent::EnableRequested } else { HostEvent::DisableRequested }
}

/// `host.update`: the record, then the providers and pools of a host that is enabled again.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    host: Uuid,
    wish: UpdateHost,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "host.update";
    const VERSION: u32 = 1;
    // News is told, never undone: a host that was enabled may be told of twice.
    const STEPS: &'static [Step<Self>] = &[
        Step::local("write it down", step_fn!(write)).forward_only(),
        Step::outside("tell the providers", step_fn!(tell)).forward_only(),
    ];
}

impl Flow {
    async fn write(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut host = self.0.find_hypervisor_host(state.host).await?;
        if let Some(enabled) = state.wish.enabled {
            host.state = host.state.next(switch_event(enabled))?;
        }
        if let Some(name) = &state.wish.name {
            host.name.clone_from(name);
        }
        let told = format!("hypervisor host {:?} was changed", host.name);
        let object = (RecordKind::Host, host.uuid);
        Ok(vec![Change::update(&host), context.event("HOST.UPDATE", object, told)])
    }

    async fn tell(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        if state.wish.enabled != Some(true) {
            return Ok(Vec::new());
        }
        let mut host = self.0.find_hypervisor_host(state.host).await?;
        self.0.tell_listeners(context, News::Enabled, &host).await;
        let warnings = self.0.connect_to_pools(context, &host).await?;
        // What was wrong before is news of yesterday.
        host.warning = None;
        warn(&mut host, warnings);
        Ok(vec![Change::update(&host)])
    }
}
