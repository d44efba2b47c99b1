//! So many calls of a plugin at once; the others wait for a place.

use super::GuardedCall;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::sync::Notify;

/// How many calls a plugin takes at once before its driver was asked.
const UNASKED: usize = 16;
/// How often whoever waits looks whether its call was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// The places of one plugin. How many there are its driver declares, at any time anew.
#[derive(Debug)]
pub(super) struct Bulkhead {
    places: AtomicUsize,
    taken: AtomicUsize,
    freed: Notify,
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self { places: UNASKED.into(), taken: 0.into(), freed: Notify::new() }
    }
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
    /// So many places there are from now on.
    pub(super) fn declare(&self, places: usize) {
        self.places.store(places.max(1), Ordering::Release);
        self.freed.notify_waiters();
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// `Timeout` where none comes within the window of the call; `Cancelled`.
    pub(super) async fn enter(
        &self,
        about: GuardedCall<'_>,
        call: &CallContext,
    ) -> PluginResult<Place<'_>> {
        if let Some(place) = self.try_enter() {
            return Ok(place);
        }
        let deadline = tokio::time::sleep(about.window);
        let mut deadline = std::pin::pin!(deadline);
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(place) = self.try_enter() {
                return Ok(place);
            }
            // Who gives up is woken no more: the next one that waits is woken instead.
            loop {
                tokio::select! {
                    () = &mut freed => break,
                    () = &mut deadline => return Err(self.busy(about)),
                    () = tokio::time::sleep(CANCEL_POLL) => {}
                }
                if call.is_cancelled() {
                    return Err(PluginError::cancelled("cancelled before the driver was called"));
                }
            }
        }
    }

    fn busy(&self, about: GuardedCall<'_>) -> PluginError {
        PluginError::timeout(format!(
            "all {} calls that provider {:?} takes at once are busy, and none ended in {:?}; look \
             at what hangs there with `storage-host operations list`",
            self.places.load(Ordering::Acquire),
            about.provider,
            about.window
        ))
    }

    fn try_enter(&self) -> Option<Place<'_>> {
        let places = self.places.load(Ordering::Acquire);
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < places).then_some(taken + 1)
            })
            .ok()
            .map(|_| Place(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_plugin_takes_as_many_calls_as_its_driver_declares() {
        let about =
            GuardedCall { provider: "acme", window: Duration::from_millis(50), store: None };
        let call = CallContext::new(Uuid::new_v4());
        let bulkhead = Bulkhead::default();
        bulkhead.declare(2);
        let one = bulkhead.enter(about, &call).await.unwrap();
        let _two = bulkhead.enter(about, &call).await.unwrap();
        let refused = bulkhead.enter(about, &call).await.unwrap_err();
        assert!(refused.message().contains("all 2 calls"), "{refused}");
        drop(one);
        let _again = bulkhead.enter(about, &call).await.unwrap();
        // More places let in who waits already.
        let (entered, ()) = tokio::join!(bulkhead.enter(about, &call), async {
            bulkhead.declare(3);
        });
        entered.unwrap();
    }

    #[tokio::test]
    async fn whoever_is_cancelled_while_it_waits_leaves_the_place_to_the_next() {
        let about = GuardedCall { provider: "acme", window: Duration::from_secs(60), store: None };
        let calls = [(); 3].map(|()| CallContext::new(Uuid::new_v4()));
        let bulkhead = Bulkhead::default();
        bulkhead.declare(1);
        let first = bulkhead.enter(about, &calls[0]).await.unwrap();
        let cancelled = async {
            let refused = bulkhead.enter(about, &calls[1]).await.unwrap_err();
            assert_eq!(refused.kind(), storage_plugin_api::PluginErrorKind::Cancelled);
            // Not before: its turn came first.
            drop(first);
        };
        let cancels = async { calls[1].cancel() };
        let ((), (), next) = tokio::join!(cancelled, cancels, bulkhead.enter(about, &calls[2]));
        next.unwrap();
    }
}
