//! What both sides of a running call share: its progress and whether it is cancelled.

use crate::context::Progress;
use abi_stable::StableAbi;
use abi_stable::std_types::RArc;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

// `abi_stable` knows `AtomicUsize` only; byte counts need 64 bits.
#[cfg(not(target_pointer_width = "64"))]
compile_error!("storage-plugin-api supports 64-bit platforms only");

const UNKNOWN_TOTAL: usize = usize::MAX;

#[repr(C)]
#[derive(StableAbi)]
pub struct Shared {
    done_bytes: AtomicUsize,
    total_bytes: AtomicUsize,
    reports: AtomicUsize,
    cancelled: AtomicBool,
}

/// A handle to the shared state of one call. Reading and writing it takes a few nanoseconds, so a
/// driver reports as often as it likes and the host looks when it wants to know.
#[repr(transparent)]
#[derive(StableAbi, Clone)]
pub struct CallCell(RArc<Shared>);

impl CallCell {
    pub fn new() -> Self {
        Self(RArc::new(Shared {
            done_bytes: AtomicUsize::new(0),
            total_bytes: AtomicUsize::new(UNKNOWN_TOTAL),
            reports: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
        }))
    }

    pub fn report(&self, done_bytes: u64, total_bytes: Option<u64>) {
        let total = total_bytes.map_or(UNKNOWN_TOTAL, |total| total as usize);
        self.0.done_bytes.store(done_bytes as usize, Ordering::Relaxed);
        self.0.total_bytes.store(total, Ordering::Relaxed);
        // Last, and releasing: whoever sees the new count sees the figures with it.
        self.0.reports.fetch_add(1, Ordering::Release);
    }

    pub fn progress(&self) -> Progress {
        let reports = self.0.reports.load(Ordering::Acquire) as u64;
        let total = self.0.total_bytes.load(Ordering::Relaxed);
        Progress::new(
            self.0.done_bytes.load(Ordering::Relaxed) as u64,
            (total != UNKNOWN_TOTAL).then_some(total as u64),
            reports,
        )
    }

    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }
}

impl Default for CallCell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CallCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCell")
            .field("progress", &self.progress())
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}
