//! How full pools and image stores are: asked for now and then, and told by plugins of their own accord.
//!
//! What it is not: what is promised on a pool; the store keeps that, exactly.
//!
//! **Invariant:** no operation waits for these figures, and a pool that an operation holds is left
//! alone: its flow writes the record.

use super::pool_access::PoolAccess;
use super::rooms::Rooms;
use super::storage_pool::{in_use, limit_of};
use super::under_way::under_way;
use crate::jobs::{Retrying, StepContext, StepError};
use crate::model::{Failure, ImageStore, StoragePool, Stored};
use crate::store::{Change, Filter, Refused, Repository};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{CapacityReport, StorageStats};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

/// How often the pools are asked.
const PERIOD: Duration = Duration::from_secs(60);
/// How often it is looked whether one that was left alone may be tried again.
const LOOK: Duration = Duration::from_secs(1);
/// The pools that were asked, each with the task that waits for its answer.
type Asked = HashMap<Uuid, JoinHandle<()>>;
/// How often a report is written again, because someone else wrote the record meanwhile.
const ATTEMPTS: u32 = 5;

impl Rooms {
    /// Asks every pool and image store how full it is, from now on and for as long as the host
    /// lives. Returns at once.
    pub(super) fn watch_capacity(self: &Arc<Self>) {
        // Weak, for the task ends when nobody else needs the rooms.
        let rooms = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut asked = HashMap::new();
            let mut last = Instant::now();
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                if last.elapsed() < PERIOD {
                    rooms.try_again(&mut asked);
                    continue;
                }
                last = Instant::now();
                match rooms.refresh_all(&mut asked).await {
                    Ok(()) => {}
                    // The store was closed: the next start of the host asks again.
                    Err(error) if error.retrying == Retrying::AtNextStart => return,
                    Err(error) => log::warn!(
                        "the pools were not asked how full they are, which is tried again: {}",
                        error.failure
                    ),
                }
            }
        });
    }

    /// Begins to ask each pool and image store on its own: one that hangs holds up no other, and is
    /// not asked again before it answered.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn refresh_all(self: &Arc<Self>, asked: &mut Asked) -> Result<(), StepError> {
        let filter = Filter { states: in_use(), ..Filter::default() };
        for pool in self.repository.list::<StoragePool>(&filter).await? {
            self.ask(pool.uuid, asked);
        }
        for store in self.repository.list::<ImageStore>(&Filter::default()).await? {
            self.ask(store.uuid, asked);
        }
        Ok(())
    }

    /// Asks the pools that were left alone and may be tried again: nobody else might, and the doctor
    /// would call them ill for as long.
    fn try_again(self: &Arc<Self>, asked: &mut Asked) {
        for (store, circuit) in self.guard.circuits() {
            if circuit.next_try.is_zero() {
                self.ask(store, asked);
            }
        }
    }

    fn ask(self: &Arc<Self>, uuid: Uuid, asked: &mut Asked) {
        asked.retain(|_, answer| !answer.is_finished());
        // One that is not connected is being connected, or waits for an operator.
        if !self.connected.has(uuid) || asked.contains_key(&uuid) {
            return;
        }
        let rooms = Arc::clone(self);
        let answer = tokio::spawn(async move {
            if let Err(error) = rooms.refresh(uuid).await {
                log::warn!("data store {uuid} does not say how full it is: {}", error.failure);
            }
        });
        asked.insert(uuid, answer);
    }

    /// Asks a data store how full it is, and writes that down.
    ///
    /// # Errors
    /// As the way to it, and the driver's.
    pub(super) async fn refresh(&self, uuid: Uuid) -> Result<(), StepError> {
        if self.is_held(uuid).await? {
            return Ok(());
        }
        if self.repository.find::<ImageStore>(uuid).await?.is_some() {
            return self.refresh_image_store(uuid).await;
        }
        let mut access = self.access(uuid).await?;
        let Some(stats) = access.stats(&StepContext::detached("system")).await? else {
            return Ok(());
        };
        write_usage(self.repository.as_ref(), access.pool, stats.capacity_bytes, stats.used_bytes)
            .await?;
        Ok(())
    }

    /// Asks a data store how full it is, because something came to it. It is asked again anyway.
    pub(super) async fn note_usage(&self, store: Uuid) {
        if let Err(error) = self.refresh(store).await {
            log::debug!("data store {store} does not say how full it is: {}", error.failure);
        }
    }
}

/// Writes down what a plugin reports of one of its stores. One that an operation holds is left alone:
/// the next report tells the same.
///
/// # Errors
/// `NotFound` for a store that is not of this provider.
pub async fn take_report(
    repository: &dyn Repository,
    provider: &str,
    report: &CapacityReport,
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        if let Some(mut store) = repository.find::<ImageStore>(report.store).await?
            && store.provider == provider
        {
            if under_way(repository, store.uuid).await?.is_some() {
                return Ok(());
            }
            store.take_usage(report.capacity_bytes, report.used_bytes);
            match repository.transact(vec![Change::update(&store)]).await {
                Err(Refused::Changed { .. }) => continue,
                written => return Ok(written?),
            }
        }
        let pool = repository.find::<StoragePool>(report.store).await?;
        let pool = pool.filter(|pool| pool.provider == provider).ok_or_else(|| {
            Failure::not_found(format!("provider {provider:?} has no store {}", report.store))
        })?;
        if under_way(repository, pool.uuid).await?.is_some() {
            return Ok(());
        }
        match write_usage(repository, pool, report.capacity_bytes, report.used_bytes).await {
            Err(Refused::Changed { .. }) => {}
            written => return Ok(written?),
        }
    }
    // An operation writes the record all the time; the next report, or look, tells the same.
    Ok(())
}

async fn write_usage(
    repository: &dyn Repository,
    mut pool: Stored<StoragePool>,
    capacity_bytes: u64,
    used_bytes: u64,
) -> Result<(), Refused> {
    let before = (pool.capacity_bytes, pool.used_bytes);
    pool.take_usage(capacity_bytes, used_bytes);
    if before == (pool.capacity_bytes, pool.used_bytes) {
        return Ok(());
    }
    let changes = limit_of(&pool).into_iter().chain([Change::update(&pool)]).collect();
    repository.transact(changes).await
}

impl PoolAccess<'_> {
    /// How full the back end is, where the driver can say so.
    pub(super) async fn stats(
        &mut self,
        context: &StepContext,
    ) -> Result<Option<StorageStats>, StepError> {
        let call = context.call();
        if !self.capabilities(&call).await?.storage_stats {
            return Ok(None);
        }
        let asked = self.driver.get_storage_stats(&call, &self.context);
        Ok(Some(self.guarded(&call, asked).await?))
    }
}
