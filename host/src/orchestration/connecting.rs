//! After a start of the host, each data store is connected again before anything touches it.
//!
//! What it is not: the way of a pool or of an image store to be connected; that is in the file
//! `connect.rs` of each.
//!
//! **Invariant:** each is tried on its own until it answers: one that does not holds up no other.

use super::rooms::Rooms;
use crate::jobs::{Retrying, StepContext};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How long a caller waits for the first attempt of a start.
const FIRST_ATTEMPT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A data store that can be connected.
#[derive(Debug, Clone, Copy)]
pub(super) enum Connectable {
    /// A storage pool.
    StoragePool(Uuid),
    /// An image store or image cache.
    ImageStore(Uuid),
}

/// The pools and image stores that were connected in this life of the host.
#[derive(Debug, Default)]
pub(super) struct Connected {
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Known {
    stores: HashSet<Uuid>,
    /// Why the last attempt to connect a store failed.
    failures: HashMap<Uuid, String>,
}

impl Connected {
    pub(super) fn add(&self, store: Uuid) {
        let mut known = self.lock();
        known.failures.remove(&store);
        known.stores.insert(store);
        drop(known);
        self.changed.notify_waiters();
    }

    pub(super) fn remove(&self, store: Uuid) {
        let mut known = self.lock();
        known.failures.remove(&store);
        known.stores.remove(&store);
    }

    pub(super) fn has(&self, store: Uuid) -> bool {
        self.lock().stores.contains(&store)
    }

    /// Why a store is not connected, if it was tried.
    pub(super) fn failure(&self, store: Uuid) -> Option<String> {
        self.lock().failures.get(&store).cloned()
    }

    pub(super) fn failed(&self, store: Uuid, why: String) {
        self.lock().failures.insert(store, why);
        self.changed.notify_waiters();
    }

    /// Whether a store in use is connected, once its first attempt after a start has ended. So a
    /// caller who comes a moment too early is not refused.
    pub(super) async fn is_settled(&self, store: Uuid, in_use: bool) -> bool {
        let deadline = tokio::time::sleep(FIRST_ATTEMPT);
        let mut deadline = std::pin::pin!(deadline);
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.has(store) {
                return true;
            }
            if !in_use || self.failure(store).is_some() {
                return false;
            }
            tokio::select! {
                () = changed => {}
                () = &mut deadline => return false,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rooms {
    /// Connects a data store, again and again until it answers.
    pub(super) async fn connect_until_it_answers(&self, it: Connectable) {
        let context = StepContext::detached("system");
        let mut providers = self.providers.changes();
        let mut wait = FIRST_WAIT;
        let (what, uuid) = match it {
            Connectable::StoragePool(uuid) => ("storage pool", uuid),
            Connectable::ImageStore(uuid) => ("image store", uuid),
        };
        loop {
            providers.borrow_and_update();
            let connected = match it {
                Connectable::StoragePool(uuid) => self.reconnect(&context, uuid).await,
                Connectable::ImageStore(uuid) => self.reconnect_image_store(&context, uuid).await,
            };
            match connected {
                Ok(()) => return,
                // The store was closed: the next start of the host connects it.
                Err(error) if error.retrying == Retrying::AtNextStart => return,
                Err(error) => {
                    self.connected.failed(uuid, error.failure.message.clone());
                    log::warn!(
                        "{what} {uuid} cannot be connected, which is tried again in {wait:?}: {}",
                        error.failure
                    );
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                // The missing provider may have come.
                Ok(()) = providers.changed() => wait = FIRST_WAIT,
            }
        }
    }

    /// Why nothing can be done with a data store now, as far as the host knows without asking its
    /// plugin; `None` where it can, or is not to be used.
    pub(super) fn why_unavailable(
        &self,
        store: Uuid,
        provider: &str,
        is_in_use: bool,
    ) -> Option<String> {
        if let Some(reason) = self.providers.why_unavailable(provider) {
            return Some(reason);
        }
        (is_in_use && !self.connected.has(store)).then(|| {
            let why = self.connected.failure(store);
            why.unwrap_or_else(|| "it is being connected".to_owned())
        })
    }
}
