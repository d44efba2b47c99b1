//! The sweep: leftovers go by themselves, now and then and soon after a call was given up.
//!
//! A call that was given up may still take effect, when its operation has long been undone. What it
//! leaves has a record that says "removed": the sweep finds and deletes it.
//!
//! **Invariant:** each pool is swept on its own, and once at a time: one that does not answer holds
//! up no other.

use super::Reconcile;
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::RequestContext;
use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

/// How often pools are swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// All of them, so often.
    pub every: Duration,
    /// A pool, so long after an operation on it ended that had given a call up.
    pub after_given_up: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_mins(10), after_given_up: Duration::from_secs(5) }
    }
}

/// Which pools to sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    All,
    Store(Uuid),
}

/// When to sweep, and whether once more after that.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    again: bool,
}

impl Reconcile {
    /// Sweeps from now on, until the runtime ends.
    pub fn watch(&self, pace: Pace) {
        let this = self.clone();
        let given_up = self.rooms.jobs.given_up();
        tokio::spawn(async move { this.keep_watch(pace, given_up).await });
    }

    async fn keep_watch(self, pace: Pace, mut given_up: broadcast::Receiver<Uuid>) {
        let mut ticks = tokio::time::interval_at(Instant::now() + pace.every, pace.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due: HashMap<Which, Due> = HashMap::new();
        loop {
            let next = due.values().map(|due| due.at).min();
            let next = next.unwrap_or_else(|| Instant::now() + pace.every);
            tokio::select! {
                _ = ticks.tick() => self.sweep(Which::All).await,
                () = tokio::time::sleep_until(next) => {
                    let now = Instant::now();
                    for which in due.keys().copied().collect::<Vec<_>>() {
                        if due.get(&which).is_some_and(|due| due.at > now) {
                            continue;
                        }
                        self.sweep(which).await;
                        if due.remove(&which).is_some_and(|due| due.again) {
                            due.insert(which, Due { at: now + pace.after_given_up, again: false });
                        }
                    }
                }
                operation = given_up.recv() => {
                    let which = match operation {
                        Ok(operation) => self.stores_of(operation).await.unwrap_or(Which::All),
                        Err(RecvError::Lagged(_)) => Which::All,
                        Err(RecvError::Closed) => return,
                    };
                    let at = Instant::now() + pace.after_given_up;
                    // One sweep for all that were given up before it, and one for those after.
                    due.entry(which)
                        .and_modify(|due| due.again = true)
                        .or_insert(Due { at, again: false });
                }
            }
        }
    }

    /// The stores that an operation may have left something on.
    async fn stores_of(&self, operation: Uuid) -> Result<Which, Failure> {
        let operation = self.rooms.jobs.find(operation).await?;
        let spans = self.rooms.jobs.spans_stores(&operation.flow);
        let store = match operation.object.filter(|_| !spans) {
            Some((RecordKind::StoragePool | RecordKind::ImageStore, store)) => Some(store),
            Some((RecordKind::ObjectInStore | RecordKind::Template, _)) => None,
            Some((_, object)) => self.rooms.known(object).await?.and_then(|known| known.store),
            None => None,
        };
        Ok(store.map_or(Which::All, Which::Store))
    }

    /// Begins to sweep stores, each in a task of its own.
    async fn sweep(&self, which: Which) {
        let stores = match which {
            Which::Store(store) => vec![store],
            Which::All => match self.rooms.stores().await {
                Ok(stores) => stores.into_iter().map(|(uuid, _)| uuid).collect(),
                Err(error) => return log::warn!("the data stores cannot be swept: {error}"),
            },
        };
        for store in stores.into_iter().filter(|store| self.rooms.connected.has(*store)) {
            let this = self.clone();
            tokio::spawn(async move { this.sweep_one(store).await });
        }
    }

    async fn sweep_one(&self, store: Uuid) {
        if !self.swept.lock().unwrap_or_else(PoisonError::into_inner).insert(store) {
            return;
        }
        let request = RequestContext::system("sweep");
        match self.purge(&request, Some(store), false).await {
            Ok(purged) => {
                let gone = purged.iter().filter(|one| one.failure.is_none()).count();
                if !purged.is_empty() {
                    log::info!(
                        "{gone} of {} leftovers on data store {store} were removed",
                        purged.len()
                    );
                }
            }
            Err(error) => log::warn!("data store {store} cannot be swept: {error}"),
        }
        self.swept.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
    }
}
