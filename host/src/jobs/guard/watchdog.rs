//! Gives a call up that makes no progress, or that its operation no longer wants.

use super::GuardedCall;
use std::time::Duration;
use storage_plugin_api::{CallContext, PluginError, PluginResult};

/// How often a cancelled call is looked for. The driver itself is told at once.
const CANCEL_POLL: Duration = Duration::from_millis(100);

pub(super) async fn watch<T>(
    about: GuardedCall<'_>,
    call: &CallContext,
    work: impl Future<Output = PluginResult<T>>,
) -> PluginResult<T> {
    let mut work = std::pin::pin!(work);
    let window = about.window;
    let mut reports = call.progress().reports;
    let mut still_since = tokio::time::Instant::now();
    loop {
        let deadline = still_since + window;
        let look_again = deadline.min(tokio::time::Instant::now() + CANCEL_POLL);
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = tokio::time::sleep_until(look_again) => {}
        }
        let now_reports = call.progress().reports;
        if now_reports != reports {
            reports = now_reports;
            still_since = tokio::time::Instant::now();
        } else if tokio::time::Instant::now() >= deadline {
            call.cancel();
            return Err(PluginError::timeout(format!(
                "provider {:?} made no progress for {window:?}; the call was given up, and what \
                 it still does will be found out before the object is touched again",
                about.provider
            )));
        }
        if call.is_cancelled() {
            return give_up(call, work).await;
        }
    }
}

/// A cancelled call has a moment to end by itself, so that its own answer is believed.
async fn give_up<T>(
    call: &CallContext,
    work: std::pin::Pin<&mut impl Future<Output = PluginResult<T>>>,
) -> PluginResult<T> {
    match tokio::time::timeout(CANCEL_POLL, work).await {
        Ok(result) => result,
        Err(_) => {
            let progress = call.progress();
            Err(PluginError::cancelled(format!("cancelled after {} bytes", progress.done_bytes)))
        }
    }
}
