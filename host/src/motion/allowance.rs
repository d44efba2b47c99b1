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
pub struct Allowances(Mutex<HashMap<Uuid, Arc<Allowance>>>);

impl Allowances {
    /// The allowance of a store: so many bytes a second, or no limit. It holds for transfers that
    /// are under way as well.
    pub fn of(&self, store: Uuid, bandwidth: Option<u64>) -> Arc<Allowance> {
        let mut allowances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let allowance = Arc::clone(allowances.entry(store).or_default());
        drop(allowances);
        allowance.limit(bandwidth);
        allowance
    }
}

/// The allowance of one store.
#[derive(Default)]
pub struct Allowance(RwLock<Option<Limit>>);

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

impl Allowance {
    fn limit(&self, bandwidth: Option<u64>) {
        let limit = self.now();
        if limit.map(|limit| limit.bandwidth) != bandwidth {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = bandwidth.map(Limit::new);
        }
    }

    fn now(&self) -> Option<Limit> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many bytes may pass. `title` is what the store is called in messages.
    ///
    /// # Errors
    /// `Cancelled`; `Timeout` where others had all of it for a day.
    pub async fn wait(&self, call: &CallContext, bytes: u64, title: &str) -> PluginResult<()> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        while left > 0 {
            let Some(limit) = self.now() else {
                return Ok(());
            };
            let piece = left.min(Limit::share_of(limit.bandwidth));
            let late = || used_by_others(title, limit.bandwidth);
            within(call, PATIENCE, late, limit.limiter.acquire(piece)).await?;
            left -= piece;
        }
        Ok(())
    }
}

fn used_by_others(title: &str, bandwidth: u64) -> PluginError {
    PluginError::timeout(format!(
        "other transfers used all of the bandwidth of {title}, {bandwidth} bytes a second, for {} \
         h; wait until they are done, or raise its bandwidth (updateStoragePool, updateImageStore)",
        PATIENCE.as_secs() / 3600
    ))
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Allowance").field(&self.now().map(|limit| limit.bandwidth)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_in_vain_hears_of_which_store_and_what_to_do() {
        let said = used_by_others("image store \"one\"", 1 << 20).to_string();
        for part in ["image store \"one\"", "1048576 bytes a second", "updateImageStore"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
