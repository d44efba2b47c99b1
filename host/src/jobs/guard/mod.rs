//! The guard around every call into a plugin.
//!
//! What it is: a bulkhead for each plugin (so many calls at once, the others wait), a watchdog for
//! each call (no progress for the plugin's window: it is given up), a circuit breaker for each
//! store (a back end that does not answer is not asked all the time). What it is not: retries;
//! those belong to the step that calls.
//!
//! **Invariant:** a plugin that hangs holds its own calls up, never another plugin's.

mod breaker;
mod bulkhead;
mod watchdog;

pub use breaker::CircuitReport;

use breaker::{Breaker, Trial};
use bulkhead::Bulkhead;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::{CallContext, PluginResult};
use uuid::Uuid;

/// Guards all calls of the host. Clones are the same guard.
#[derive(Clone, Default)]
pub struct Guard {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    bulkheads: Mutex<HashMap<String, Arc<Bulkhead>>>,
    breakers: Mutex<HashMap<Uuid, Arc<Breaker>>>,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub struct GuardedCall<'a> {
    /// The name of the provider.
    pub provider: &'a str,
    /// How long the call may make no progress.
    pub window: Duration,
    /// The store, and its name for messages; `None` for calls that are about no store.
    pub store: Option<(Uuid, &'a str)>,
}

impl Guard {
    /// A guard that has seen no call yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The call's own; `Unavailable` while the store's circuit is open; `Timeout` when it made no
    /// progress for the window, or found no place for so long; `Cancelled` when the operation was.
    pub async fn call<T, F>(
        &self,
        about: GuardedCall<'_>,
        call: &CallContext,
        work: F,
    ) -> PluginResult<T>
    where
        F: Future<Output = PluginResult<T>>,
    {
        let breaker = about.store.map(|(store, _)| self.breaker(store));
        let mut trial = None;
        if let (Some(breaker), Some((_, name))) = (&breaker, about.store) {
            trial = breaker.admit(name, Instant::now())?.then(|| Trial(breaker));
        }
        let bulkhead = self.bulkhead(about.provider);
        // That there is no place says nothing about this store: the calls of another may hang.
        let _place = bulkhead.enter(about, call).await?;
        let result = watchdog::watch(about, call, work).await;
        if let Some(breaker) = &breaker {
            breaker.note(result.as_ref().err(), Instant::now());
        }
        drop(trial);
        result
    }

    /// How many calls a provider takes at once from now on, as its driver declares.
    pub fn declare(&self, provider: &str, concurrent_calls: u32) {
        self.bulkhead(provider).declare(concurrent_calls as usize);
    }

    /// The circuits that are not closed.
    pub fn circuits(&self) -> Vec<(Uuid, CircuitReport)> {
        let now = Instant::now();
        let breakers = self.inner.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        breakers
            .iter()
            .filter_map(|(store, breaker)| Some((*store, breaker.report(now)?)))
            .collect()
    }

    /// Closes a store's circuit: an operator knows that the back end is there again.
    pub fn reset(&self, store: Uuid) {
        self.inner.breakers.lock().unwrap_or_else(PoisonError::into_inner).remove(&store);
    }

    fn bulkhead(&self, provider: &str) -> Arc<Bulkhead> {
        let mut bulkheads = self.inner.bulkheads.lock().unwrap_or_else(PoisonError::into_inner);
        match bulkheads.get(provider) {
            Some(bulkhead) => Arc::clone(bulkhead),
            None => Arc::clone(bulkheads.entry(provider.to_owned()).or_default()),
        }
    }

    fn breaker(&self, store: Uuid) -> Arc<Breaker> {
        let mut breakers = self.inner.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(breakers.entry(store).or_default())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("circuits", &self.circuits()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pool_that_hangs_opens_no_other_pools_circuit() {
        let guard = Guard::new();
        guard.declare("acme", 1);
        let about = |window, store| GuardedCall { provider: "acme", window, store: Some(store) };
        let call = CallContext::new(Uuid::new_v4());
        let (hung, healthy) = ((Uuid::new_v4(), "hung"), (Uuid::new_v4(), "healthy"));
        let long = Duration::from_secs(60);
        let hangs = guard.call(about(long, hung), &call, std::future::pending());
        let others = async {
            for _ in 0..10 {
                let short = about(Duration::from_millis(5), healthy);
                let refused = guard.call(short, &call, async { Ok(()) }).await.unwrap_err();
                assert!(refused.message().contains("all 1 calls"), "{refused}");
            }
        };
        tokio::select! {
            biased;
            ended = hangs => { let ended: PluginResult<()> = ended; panic!("{ended:?}") }
            () = others => {}
        }
        assert_eq!(guard.circuits(), []);
        guard.call(about(long, healthy), &call, async { Ok(()) }).await.unwrap();
    }
}
