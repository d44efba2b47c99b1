//! Waiting for something that is no call of a driver: with a window, and an ear for the user.
//!
//! What it is not: the guard around drivers, which blames a provider.

use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::time::Instant;

/// How often it is looked whether the operation was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// Waits for `work`, at most for `window`.
///
/// # Errors
/// `Cancelled`; what `late` says when the window is over.
pub async fn within<T>(
    call: &CallContext,
    window: Duration,
    late: impl FnOnce() -> PluginError,
    work: impl Future<Output = T>,
) -> PluginResult<T> {
    let mut work = std::pin::pin!(work);
    let deadline = Instant::now() + window;
    loop {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("the operation was cancelled"));
        }
        let look_again = deadline.min(Instant::now() + CANCEL_POLL);
        tokio::select! {
            biased;
            result = &mut work => return Ok(result),
            () = tokio::time::sleep_until(look_again) => {}
        }
        if Instant::now() >= deadline {
            return Err(late());
        }
    }
}

/// Lets a time pass.
///
/// # Errors
/// `Cancelled`.
pub(super) async fn pause(call: &CallContext, time: Duration) -> PluginResult<()> {
    let slept = tokio::time::sleep(time);
    within(call, time.saturating_mul(2).max(CANCEL_POLL), over, slept).await
}

fn over() -> PluginError {
    PluginError::internal("a pause lasted twice as long as it may")
}
