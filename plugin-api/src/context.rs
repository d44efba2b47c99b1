//! What travels with every call: the store it is about, and the call itself.

use crate::abi::CallCell;
use crate::types::DataStore;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use uuid::Uuid;

/// The data store a call is about: a [`DataStore`] that is cheap to clone and never changes.
///
/// A change of the store makes a new context with a higher epoch.
#[derive(Clone)]
pub struct StoreContext {
    inner: Arc<Inner>,
}

struct Inner {
    store: DataStore,
    // The record as it crosses the boundary: the same for every call on this store.
    encoded: OnceLock<Vec<u8>>,
}

impl StoreContext {
    /// A context of a store.
    pub fn new(store: DataStore) -> Self {
        Self { inner: Arc::new(Inner { store, encoded: OnceLock::new() }) }
    }

    pub(crate) fn encoded(&self, encode: impl FnOnce(&DataStore) -> Vec<u8>) -> &[u8] {
        self.inner.encoded.get_or_init(|| encode(&self.inner.store))
    }
}

impl Deref for StoreContext {
    type Target = DataStore;

    fn deref(&self) -> &DataStore {
        &self.inner.store
    }
}

impl From<DataStore> for StoreContext {
    fn from(store: DataStore) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for StoreContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.store.fmt(f)
    }
}

/// The call itself: who it is for, how often it was tried, how long it may stand still.
///
/// # Cancellation
/// When the host gives a call up, the future of the driver's method is dropped at its next
/// `await`. Code that does not await (a loop on a blocking thread) asks
/// [`is_cancelled`](Self::is_cancelled) now and then and returns
/// [`Cancelled`](crate::PluginErrorKind::Cancelled).
#[derive(Debug, Clone)]
pub struct CallContext {
    operation_id: Uuid,
    attempt: u32,
    window: Duration,
    log_target: Option<Arc<str>>,
    cell: CallCell,
}

impl CallContext {
    /// How long a call may go on without progress, unless the host says otherwise.
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

    /// A first attempt of an operation.
    pub fn new(operation_id: Uuid) -> Self {
        Self::of_cell(operation_id, CallCell::new())
    }

    pub(crate) fn of_cell(operation_id: Uuid, cell: CallCell) -> Self {
        Self { operation_id, attempt: 1, window: Self::DEFAULT_WINDOW, log_target: None, cell }
    }

    /// Another attempt of the same operation.
    #[must_use]
    pub fn attempt_number(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// How long the call may go on without progress before it is given up.
    #[must_use]
    pub fn no_progress_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The log target of messages about this call.
    #[must_use]
    pub fn with_log_target(mut self, target: impl Into<Arc<str>>) -> Self {
        self.log_target = Some(target.into());
        self
    }

    /// Names the operation. The same on every attempt: a driver finds by it what it already did.
    pub fn operation_id(&self) -> Uuid {
        self.operation_id
    }

    /// 1 on the first attempt.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How long the call may go on without progress.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The log target of messages about this call.
    pub fn log_target(&self) -> &str {
        self.own_log_target().unwrap_or("plugin")
    }

    pub(crate) fn own_log_target(&self) -> Option<&str> {
        self.log_target.as_deref()
    }

    /// Reports progress in bytes, and that the call is alive: the window starts anew.
    ///
    /// Cheap enough for every chunk. `total_bytes` of `None` means that the end is not known.
    pub fn report_progress(&self, done_bytes: u64, total_bytes: Option<u64>) {
        self.cell.report(done_bytes, total_bytes);
    }

    /// The latest progress: bytes done, bytes in all if known, and how often it was reported.
    pub fn progress(&self) -> Progress {
        self.cell.progress()
    }

    /// Whether the host gave the call up.
    pub fn is_cancelled(&self) -> bool {
        self.cell.is_cancelled()
    }

    /// Gives the call up: [`is_cancelled`](Self::is_cancelled) answers `true` on both sides.
    pub fn cancel(&self) {
        self.cell.cancel();
    }

    pub(crate) fn cell(&self) -> &CallCell {
        &self.cell
    }
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes in all, if known.
    pub total_bytes: Option<u64>,
    /// How many reports there were.
    pub reports: u64,
}

impl Progress {
    pub(crate) const fn new(done_bytes: u64, total_bytes: Option<u64>, reports: u64) -> Self {
        Self { done_bytes, total_bytes, reports }
    }
}
