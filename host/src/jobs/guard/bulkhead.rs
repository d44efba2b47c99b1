//! So many calls of a plugin at once; the others wait for a place.

use super::GuardedCall;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::sync::Notify;

/// What a plugin takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginLimits {
    /// How many calls at once, as its driver declares.
    pub concurrent_calls: usize,
    /// How long a call may make no progress.
    pub window: Duration,
}

/// The places of one plugin. How many there are is told with each call: a driver may declare
/// another number at any time.
#[derive(Debug, Default)]
pub(super) struct Bulkhead {
    taken: AtomicUsize,
    freed: Notify,
}

/// A place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Bulkhead);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

impl Bulkhead {
    /// Waits for a place.
    pub(super) async fn enter(
        &self,
        about: GuardedCall<'_>,
        call: &CallContext,
    ) -> PluginResult<Place<'_>> {
        if let Some(place) = self.try_enter(about.limits.concurrent_calls) {
            return Ok(place);
        }
        let deadline = tokio::time::sleep(about.limits.window);
        let mut deadline = std::pin::pin!(deadline);
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(place) = self.try_enter(about.limits.concurrent_calls) {
                return Ok(place);
            }
            tokio::select! {
                () = freed => {}
                () = &mut deadline => return Err(PluginError::timeout(format!(
                    "all {} calls that provider {:?} takes at once are busy, and none ended in \
                     {:?}; look at what hangs there with `storage-host operations list`",
                    about.limits.concurrent_calls, about.provider, about.limits.window
                ))),
            }
            if call.is_cancelled() {
                return Err(PluginError::cancelled("cancelled before the driver was called"));
            }
        }
    }

    fn try_enter(&self, places: usize) -> Option<Place<'_>> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < places.max(1)).then_some(taken + 1)
            })
            .ok()
            .map(|_| Place(self))
    }
}
