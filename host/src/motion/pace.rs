//! How fast bytes go to and from a store, where an operator limits that.
//!
//! What it is: a bucket for each store, of the crate leaky-bucket, which is fair to all that wait;
//! governor would bring clocks, timers and maps of its own. What it is not: a limit of what drivers
//! copy by themselves, whose bytes do not pass here.
//!
//! **Invariant:** all transfers of a store share one allowance, whatever they are; who waits for it
//! hears a cancel, and a limit that is changed holds at once.

use super::wait::within;
use leaky_bucket::RateLimiter;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use uuid::Uuid;

/// How often there is something new to spend.
const INTERVAL: Duration = Duration::from_millis(100);
const INTERVALS_A_SECOND: u64 = 10;
/// Others may have their turns first, so many that it takes a while.
const PATIENCE: Duration = Duration::from_hours(24);

/// The allowances of stores.
#[derive(Debug, Default)]
pub struct Paces(Mutex<HashMap<Uuid, Arc<Pace>>>);

impl Paces {
    /// The allowance of a store: so many bytes a second, or no limit. It holds for transfers that
    /// are under way as well.
    pub fn of(&self, store: Uuid, bandwidth: Option<u64>) -> Arc<Pace> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = Arc::clone(paces.entry(store).or_default());
        drop(paces);
        pace.limit(bandwidth);
        pace
    }
}

/// The allowance of one store.
#[derive(Default)]
pub struct Pace(RwLock<Option<Limit>>);

#[derive(Clone)]
struct Limit {
    bandwidth: u64,
    limiter: Arc<RateLimiter>,
}

impl Limit {
    fn new(bandwidth: u64) -> Self {
        let share = Self::share_of(bandwidth);
        let limiter = RateLimiter::builder()
            .max(share)
            .initial(share)
            .refill(share)
            .interval(INTERVAL)
            .build();
        Self { bandwidth, limiter: Arc::new(limiter) }
    }

    /// What comes in each interval: nobody waits for more at once.
    fn share_of(bandwidth: u64) -> usize {
        usize::try_from(bandwidth / INTERVALS_A_SECOND).unwrap_or(usize::MAX).max(1)
    }
}

impl Pace {
    fn limit(&self, bandwidth: Option<u64>) {
        let limit = self.now();
        if limit.map(|limit| limit.bandwidth) != bandwidth {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = bandwidth.map(Limit::new);
        }
    }

    fn now(&self) -> Option<Limit> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many bytes may pass.
    ///
    /// # Errors
    /// `Cancelled`.
    pub async fn wait(&self, call: &CallContext, bytes: u64) -> PluginResult<()> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        while left > 0 {
            let Some(limit) = self.now() else {
                return Ok(());
            };
            let piece = left.min(Limit::share_of(limit.bandwidth));
            let late = || PluginError::timeout("the bandwidth of the store is used by others");
            within(call, PATIENCE, late, limit.limiter.acquire(piece)).await?;
            left -= piece;
        }
        Ok(())
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pace").field(&self.now().map(|limit| limit.bandwidth)).finish()
    }
}
