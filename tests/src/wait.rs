//! Waiting for what tells nobody that it happened.

use crate::fail::fail;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes, on a machine that has much else to do.
pub const LONG: Duration = Duration::from_secs(60);

/// Waits until `look` finds something; fails after [`LONG`].
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "there is no event to wait for")]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        if Instant::now() > deadline {
            fail(&format!("within {LONG:?} did not happen: {what}"));
        }
        // sleeps because neither a file nor a foreign process tells that it changed
        thread::sleep(Duration::from_millis(5));
    }
}
