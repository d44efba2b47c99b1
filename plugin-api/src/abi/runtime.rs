//! The plugin's own tokio runtime, and the two ways a future of vendor code is run.
//!
//! A plugin links its own tokio, whose thread-locals the host's threads do not have; so vendor
//! code runs on the plugin's runtime, or in place with that runtime entered.

use super::guard::{drop_guarded_with, panicked};
use super::transport::Dispatch;
use crate::abi::CallCell;
use crate::error::{PluginError, PluginResult};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How long the plugin's blocking work may take to end when the host goes down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// The runtime of one plugin, started by its first call.
pub struct PluginRuntime {
    name: String,
    worker_threads: usize,
    dispatch: Dispatch,
    handle: OnceLock<Handle>,
    runtime: Mutex<Option<Runtime>>,
}

impl PluginRuntime {
    pub fn new(name: &str, worker_threads: usize, dispatch: Dispatch) -> Self {
        Self {
            name: name.to_owned(),
            worker_threads: worker_threads.clamp(1, 64),
            dispatch,
            handle: OnceLock::new(),
            runtime: Mutex::new(None),
        }
    }

    /// The runtime's handle. Fails only where the system refuses threads.
    pub fn handle(&self) -> PluginResult<Handle> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle.clone());
        }
        let mut slot = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = self.handle.get() {
            return Ok(handle.clone());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(self.worker_threads)
            .thread_name(format!("plugin-{}", self.name))
            .enable_all()
            .build()
            .map_err(|error| PluginError::from_io("cannot start the plugin's threads", &error))?;
        let handle = runtime.handle().clone();
        *slot = Some(runtime);
        Ok(self.handle.get_or_init(|| handle).clone())
    }

    /// Runs a future of vendor code; dropping the returned one cancels it.
    pub fn run<T, F>(&self, what: &'static str, cell: CallCell, future: F) -> Running<T, F>
    where
        T: Send + 'static,
        F: Future<Output = PluginResult<T>> + Send + 'static,
    {
        match (self.handle(), self.dispatch) {
            (Err(error), _) => Running::Failed { error: Some(error) },
            (Ok(handle), Dispatch::OwnRuntime) => {
                Running::Spawned { spawned: Spawned { what, cell, task: handle.spawn(future) } }
            }
            (Ok(handle), Dispatch::InPlace) => {
                Running::InPlace { in_place: InPlace { what, cell, handle, future: Some(future) } }
            }
        }
    }

    /// Ends the threads; blocking work gets a moment. Blocks for as long.
    pub fn shut_down(&self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(runtime) = runtime else { return };
        // On a thread of its own: tokio panics where a runtime is waited for inside another, which
        // is where a provider that shares this crate's tokio (a test, a fake) may be dropped.
        let ending = std::thread::spawn(move || runtime.shutdown_timeout(SHUTDOWN_GRACE));
        ending.join().ok();
    }
}

impl Drop for PluginRuntime {
    fn drop(&mut self) {
        let runtime = self.runtime.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            // Never waits: the host may drop a provider on one of its workers.
            runtime.shutdown_background();
        }
    }
}

pin_project! {
    /// A running future of vendor code. It never panics, whatever the vendor's does.
    #[project = RunningProjected]
    pub enum Running<T, F> {
        Failed { error: Option<PluginError> },
        Spawned { spawned: Spawned<T> },
        InPlace { #[pin] in_place: InPlace<F> },
    }
}

/// A task on the plugin's runtime, aborted when dropped.
pub struct Spawned<T> {
    what: &'static str,
    cell: CallCell,
    task: JoinHandle<PluginResult<T>>,
}

impl<T> Drop for Spawned<T> {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            self.cell.cancel();
            self.task.abort();
        }
    }
}

pin_project! {
    /// A future polled by whoever holds it, inside the plugin's runtime context.
    pub struct InPlace<F> {
        what: &'static str,
        cell: CallCell,
        handle: Handle,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InPlace<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                this.cell.cancel();
                let _entered = this.handle.enter();
                drop_guarded_with(|| this.future.set(None));
            }
        }
    }
}

impl<F> InPlace<F> {
    fn poll_in_place<T>(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<PluginResult<T>>
    where
        F: Future<Output = PluginResult<T>>,
    {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(polled_again()));
        };
        let _entered = this.handle.enter();
        let polled = catch_unwind(AssertUnwindSafe(|| future.poll(context)));
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(panic) => Err(panicked(this.what, panic)),
        };
        drop_guarded_with(|| this.future.set(None));
        Poll::Ready(outcome)
    }
}

impl<T, F: Future<Output = PluginResult<T>>> Future for Running<T, F> {
    type Output = PluginResult<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RunningProjected::Failed { error } => {
                Poll::Ready(Err(error.take().unwrap_or_else(polled_again)))
            }
            RunningProjected::Spawned { spawned } => {
                match Pin::new(&mut spawned.task).poll(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(outcome)) => Poll::Ready(outcome),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(match error.try_into_panic() {
                        Ok(panic) => panicked(spawned.what, panic),
                        Err(_) => PluginError::cancelled("the plugin is shutting down"),
                    })),
                }
            }
            RunningProjected::InPlace { in_place } => in_place.poll_in_place(context),
        }
    }
}

fn polled_again() -> PluginError {
    PluginError::internal("a finished call was polled again")
}
