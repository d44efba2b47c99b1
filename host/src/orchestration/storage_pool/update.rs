//! A storage pool is changed: its name, its tags, its limits, whether it takes new volumes.
//!
//! **Invariant:** the provider hears of new limits, and of enabling and disabling, before the
//! record is changed; its error is a veto.

use super::maintain::as_far_as_possible;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, StoragePool, StoragePoolEvent, StoragePoolState, Stored,
};
use crate::orchestration::bandwidth::bandwidth;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::UpdatePoolRequest;
use uuid::Uuid;

/// What of a pool is to change. What is `None` stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct UpdateStoragePool {
    /// Its name.
    pub name: Option<String>,
    /// The tags that disk offerings ask for.
    pub tags: Option<Vec<String>>,
    /// How much of the back end it may use, in bytes.
    pub capacity_bytes: Option<u64>,
    /// How many operations per second it may promise.
    pub capacity_iops: Option<u64>,
    /// Whether it takes new volumes.
    pub enabled: Option<bool>,
    /// How many bytes a second the host moves to and from it; 0 for no limit.
    #[serde(default)]
    pub bandwidth: Option<u64>,
}

impl super::StoragePools {
    /// Begins to change a pool (`updateStoragePool`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken, `InvalidArgument` for a bandwidth that moves nothing,
    /// `Conflict` where it cannot be enabled or disabled in its state, `Unavailable` where its provider has to agree and is missing.
    pub async fn update(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        mut wish: UpdateStoragePool,
    ) -> Result<Started, Failure> {
        let pool = self.rooms.find_pool(uuid).await?;
        // What is so already needs nobody's consent.
        wish.enabled = wish.enabled.filter(|enabled| match pool.state {
            StoragePoolState::Up => !enabled,
            StoragePoolState::Disabled => *enabled,
            _ => true,
        });
        if let Some(enabled) = wish.enabled {
            pool.state.next(switch_event(enabled))?;
        }
        bandwidth(wish.bandwidth, pool.bandwidth)?;
        if wish.enabled.is_some() || wish.capacity_bytes.is_some() || wish.capacity_iops.is_some() {
            self.rooms.access_unconnected(pool.clone())?.life_cycle()?;
        }
        let state = State {
            pool: uuid,
            limits_before: (
                wish.capacity_bytes.and(pool.capacity_limited.then_some(pool.capacity_bytes)),
                wish.capacity_iops.and(pool.capacity_iops),
            ),
            wish,
        };
        let object = (RecordKind::StoragePool, uuid);
        // Early, for whoever asks; what counts is asked when it is written.
        let changes = renamed(pool, state.wish.name.as_deref()).into_iter().collect();
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

/// Gives a pool another name, and asks that nobody has it.
fn renamed(mut pool: Stored<StoragePool>, name: Option<&str>) -> Option<Change> {
    pool.name = name.filter(|name| **name != *pool.name)?.to_owned();
    Some(Change::expect_name_free(&pool.record, None))
}

const fn switch_event(enabled: bool) -> StoragePoolEvent {
    if enabled { StoragePoolEvent::EnableRequested } else { StoragePoolEvent::DisableRequested }
}

/// `pool.update`: the life cycle agrees, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
    wish: UpdateStoragePool,
    /// Bytes and operations per second, as they were, where they are to change and were limited.
    limits_before: (Option<u64>, Option<u64>),
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "pool.update";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("agree on the limits", step_fn!(limit)).undone_by(step_fn!(limit_back)),
        Step::outside("enable or disable it", step_fn!(switch)).undone_by(step_fn!(switch_back)),
        Step::local("write it down", step_fn!(write)),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, _: &'a mut State) -> StepFuture<'a> {
        // Nothing was committed with the beginning.
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Flow {
    async fn limit(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let limits = (state.wish.capacity_bytes, state.wish.capacity_iops);
        self.tell_limits(context, state, limits).await
    }

    async fn limit_back(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let told = self.tell_limits(context, state, state.limits_before).await;
        Ok(as_far_as_possible(context, "tell the old limits", told)?.unwrap_or_default())
    }

    async fn tell_limits(
        &self,
        context: &StepContext,
        state: &State,
        (capacity_bytes, capacity_iops): (Option<u64>, Option<u64>),
    ) -> Result<Vec<Change>, StepError> {
        if capacity_bytes.is_none() && capacity_iops.is_none() {
            return Ok(Vec::new());
        }
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        let mut ask = UpdatePoolRequest::default();
        ask.capacity_bytes = capacity_bytes;
        ask.capacity_iops = capacity_iops;
        access.guarded(&call, life_cycle.update_storage_pool(&call, &access.context, ask)).await?;
        Ok(Vec::new())
    }

    async fn switch(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.tell_switch(context, state, state.wish.enabled).await
    }

    async fn switch_back(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let before = state.wish.enabled.map(|enabled| !enabled);
        let told = self.tell_switch(context, state, before).await;
        Ok(as_far_as_possible(context, "enable or disable it again", told)?.unwrap_or_default())
    }

    async fn tell_switch(
        &self,
        context: &StepContext,
        state: &State,
        enabled: Option<bool>,
    ) -> Result<Vec<Change>, StepError> {
        let Some(enabled) = enabled else {
            return Ok(Vec::new());
        };
        let access = self.0.access_unconnected(self.0.find_pool(state.pool).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        let told = if enabled {
            life_cycle.enable_storage_pool(&call, &access.context)
        } else {
            life_cycle.disable_storage_pool(&call, &access.context)
        };
        access.guarded(&call, told).await?;
        Ok(Vec::new())
    }

    async fn write(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut pool = self.0.find_pool(state.pool).await?;
        let wish = state.wish.clone();
        let mut changes: Vec<Change> =
            renamed(pool.clone(), wish.name.as_deref()).into_iter().collect();
        if let Some(enabled) = wish.enabled {
            pool.state = pool.state.next(switch_event(enabled))?;
        }
        pool.capacity_limited |= wish.capacity_bytes.is_some();
        let record = &mut pool.record;
        record.name = wish.name.unwrap_or_else(|| std::mem::take(&mut record.name));
        record.tags = wish.tags.unwrap_or_else(|| std::mem::take(&mut record.tags));
        record.capacity_bytes = wish.capacity_bytes.unwrap_or(record.capacity_bytes);
        record.capacity_iops = wish.capacity_iops.or(record.capacity_iops);
        record.bandwidth = bandwidth(wish.bandwidth, record.bandwidth)?;
        // Early, if the rest is not written: whoever moves bytes next sets it right.
        self.0.allowances.of(state.pool, pool.bandwidth);
        let told = format!("storage pool {:?} was changed", pool.name);
        let object = (RecordKind::StoragePool, pool.uuid);
        changes.extend([Change::update(&pool), context.event("POOL.UPDATE", object, told)]);
        changes.extend(super::create::limit_of(&pool));
        Ok(changes)
    }
}
