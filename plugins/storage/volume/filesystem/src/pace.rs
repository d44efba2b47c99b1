//! How fast a copy may be.

use std::thread;
use std::time::{Duration, Instant};
use storage_plugin_api::{PluginError, PluginResult as Result};

/// Slower, and a copy would look as if it stood still.
const SLOWEST: u64 = 1 << 20;

/// A limited copy goes on and rests so often in a second, and looks as often whether it is still
/// wanted.
const STEPS_PER_SECOND: u64 = 8;

/// The speed limit of a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace(Option<u64>);

impl Pace {
    /// At most so many bytes per second; `None` is no limit.
    pub(crate) fn new(limit: Option<u64>) -> Result<Self> {
        if let Some(limit) = limit.filter(|limit| *limit < SLOWEST) {
            let why = format!(
                "copy_bytes_per_second {limit} is too slow; enter at least {SLOWEST}, or leave it out"
            );
            return Err(PluginError::invalid_config(why));
        }
        Ok(Self(limit))
    }

    pub(crate) fn limit(self) -> Option<u64> {
        self.0
    }

    /// How many bytes to copy at once.
    pub(crate) fn piece(self, unlimited: u64) -> u64 {
        self.0.map_or(unlimited, |limit| unlimited.min(limit / STEPS_PER_SECOND))
    }

    /// Waits until so many bytes may have been copied since a copy began.
    #[expect(clippy::disallowed_methods, reason = "holding up the copy is what it is for")]
    pub(crate) fn keep(self, begun: Instant, copied: u64) {
        if let Some(limit) = self.0 {
            let due = Duration::from_secs_f64(copied as f64 / limit as f64);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
}
