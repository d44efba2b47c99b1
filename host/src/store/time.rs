//! The time of the store: UTC, in microseconds since 1970.
//!
//! **Invariant:** it is for people and for ordering by eye; nothing decides by it, for a clock may
//! be set back.

use std::time::SystemTime;

/// The time now.
pub fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or_default()
}
