//! An operation that runs in this process: how far it is, whether to cancel it, its end.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use storage_plugin_api::{CallContext, Progress};
use tokio::sync::watch;

/// What the engine shares with those who wait for an operation, or cancel it.
pub(super) struct Live {
    call: Mutex<Option<Watched>>,
    cancelled: watch::Sender<bool>,
    ended: watch::Sender<bool>,
    gave_up: AtomicBool,
}

/// The call that runs now.
struct Watched {
    call: CallContext,
    /// It neither undoes something nor is past the point of no return: what is tried until it is
    /// done would only be tried again.
    may_be_cancelled: bool,
}

impl Watched {
    fn cancel(&self) {
        if self.may_be_cancelled {
            self.call.cancel();
        }
    }
}

impl Live {
    pub(super) fn new() -> Self {
        Self {
            call: Mutex::new(None),
            cancelled: watch::Sender::new(false),
            ended: watch::Sender::new(false),
            gave_up: AtomicBool::new(false),
        }
    }

    /// The call that runs now. It is given up at once if it may be cancelled and the operation was.
    pub(super) fn watch(&self, call: CallContext, may_be_cancelled: bool) {
        let mut current = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = Watched { call, may_be_cancelled };
        if *self.cancelled.borrow() {
            watched.cancel();
        }
        *current = Some(watched);
    }

    /// No call runs.
    pub(super) fn unwatch(&self) {
        *self.call.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How far the call that runs now has come.
    pub(super) fn progress(&self) -> Option<Progress> {
        let watched = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        watched.as_ref().map(|watched| watched.call.progress())
    }

    /// Asks the operation to turn back, and gives up its call if that may be cancelled.
    pub(super) fn cancel(&self) {
        self.cancelled.send_replace(true);
        let watched = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = watched.as_ref() {
            watched.cancel();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// Ready once the operation was cancelled.
    pub(super) async fn cancelled(&self) {
        let mut cancelled = self.cancelled.subscribe();
        // The sender is in self, so this ends with the value only.
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A call was given up, so it may still take effect.
    pub(super) fn note_given_up(&self) {
        self.gave_up.store(true, Ordering::Release);
    }

    /// Whether a call was given up.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Acquire)
    }

    /// The engine has put the operation down, at rest or for the next start.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(super) async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        if ended.wait_for(|ended| *ended).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
