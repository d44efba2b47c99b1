//! Counts the handlers that run, so that a shutdown can wait for them.
//!
//! A handler runs in a task of its own: a client that hangs up does not end a command half-way, and
//! a panic ends that task only.

use super::error::ApiError;
use super::reply::Reply;
use std::any::Any;
use std::sync::Arc;
use tokio::sync::watch;

/// The handlers that run.
#[derive(Debug, Clone)]
pub(super) struct InFlight(Arc<watch::Sender<usize>>);

/// One of them. Dropped, it has ended.
struct Running(InFlight);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl InFlight {
    /// None yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Runs a handler to its end, whether anybody waits for it or not.
    pub(super) async fn run(
        &self,
        handler: impl Future<Output = Result<Reply, ApiError>> + Send + 'static,
    ) -> Result<Reply, ApiError> {
        self.0.send_modify(|count| *count += 1);
        let running = Running(self.clone());
        let task = tokio::spawn(async move {
            let _running = running;
            handler.await
        });
        match task.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Err(ApiError::internal(format!("panic: {}", text_of(&*panic)))),
                Err(_) => Err(ApiError::internal("the runtime ended the call")),
            },
        }
    }

    /// Waits until one runs.
    #[cfg(test)]
    pub(super) async fn busy(&self) {
        let mut count = self.0.subscribe();
        let _busy = count.wait_for(|count| *count > 0).await.is_ok();
    }

    /// Waits until none runs.
    pub(super) async fn idle(&self) {
        let mut count = self.0.subscribe();
        // An error would say that the sender is gone, and it is `self`.
        let _idle = count.wait_for(|count| *count == 0).await.is_ok();
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}
