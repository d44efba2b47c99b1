//! What all cases of a run share: the provider, the host it sees, the names of the run, and the
//! eye on the clock.

use super::failure::{Checked, Failure, panic_text};
use super::pattern::{mix, seed_of};
use super::watched_host::WatchedHost;
use crate::{CallContext, DataStoreProvider, HypervisorHost, PluginError, PluginResult};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use uuid::Uuid;

pub(super) struct Stage {
    pub(super) provider: Arc<dyn DataStoreProvider>,
    pub(super) host: Arc<WatchedHost>,
    pub(super) hypervisor_host: HypervisorHost,
    pub(super) run: String,
    pub(super) window: Duration,
    /// The caller configured the provider, so what it registered was not seen.
    pub(super) configured_before: bool,
    /// The name that the provider had before it was configured.
    pub(super) first_name: String,
    /// Why the provider could not be configured, if it could not.
    pub(super) unconfigured: OnceLock<String>,
    seed: u64,
    numbers: AtomicU64,
    heart: AtomicU64,
}

impl Stage {
    pub(super) fn new(
        provider: Arc<dyn DataStoreProvider>,
        host: Arc<WatchedHost>,
        options: &super::KitOptions,
        first_name: String,
    ) -> Self {
        Self {
            provider,
            host,
            hypervisor_host: options.hypervisor_host.clone(),
            run: options.run.clone(),
            window: options.window,
            configured_before: options.configured,
            first_name,
            unconfigured: OnceLock::new(),
            seed: seed_of(&options.run),
            numbers: AtomicU64::new(1),
            heart: AtomicU64::new(0),
        }
    }

    /// A number that is new in this run.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A seed that is new in this run, and the same in a run of the same name.
    pub(super) fn seed(&self) -> u64 {
        mix(self.seed ^ mix(self.number()))
    }

    /// A uuid that is new in this run.
    pub(super) fn uuid(&self) -> Uuid {
        let (high, low) = (self.seed(), self.seed());
        let bits = (u128::from(high) << 64) | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// The name of everything that the run makes.
    pub(super) fn name(&self) -> String {
        format!("conf-{}", self.run)
    }

    /// A context for one call.
    pub(super) fn call(&self) -> CallContext {
        CallContext::new(Uuid::new_v4())
            .no_progress_window(self.window)
            .with_log_target("conformance")
    }

    /// Waits for a call as long as it makes progress.
    pub(super) async fn within<T>(
        &self,
        call: &CallContext,
        what: &str,
        running: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        let mut running = std::pin::pin!(running);
        let mut reports = call.progress().reports;
        loop {
            let waited = tokio::time::timeout(self.window, running.as_mut()).await;
            self.heart.fetch_add(1, Ordering::Relaxed);
            let now = call.progress().reports;
            match waited {
                Ok(answer) => return answer,
                Err(_) if now != reports => reports = now,
                Err(_) => {
                    call.cancel();
                    return Err(PluginError::timeout(format!(
                        "no progress for {:?}; the call was given up",
                        self.window
                    ))
                    .in_operation(what));
                }
            }
        }
    }

    /// Runs a part of the kit so that a panic in it is a failure, and so is a call that blocks its
    /// thread.
    pub(super) async fn guarded<T: Send + 'static>(
        &self,
        running: impl Future<Output = T> + Send + 'static,
    ) -> Checked<T> {
        let mut task = tokio::spawn(running);
        let mut beats = self.heart.load(Ordering::Relaxed);
        loop {
            match tokio::time::timeout(self.window * 2, &mut task).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => {
                    return Err(Failure::new(match error.try_into_panic() {
                        Ok(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
                        Err(_) => "it was cancelled".to_owned(),
                    }));
                }
                Err(_) => {
                    let now = self.heart.load(Ordering::Relaxed);
                    if now == beats {
                        task.abort();
                        return Err(Failure::new(format!(
                            "it stood still for {:?}: a call blocks the thread it runs on",
                            self.window * 2
                        )));
                    }
                    beats = now;
                }
            }
        }
    }
}
