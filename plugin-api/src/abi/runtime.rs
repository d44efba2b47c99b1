//! The plugin's own tokio runtime, and the two ways a future of vendor code is run.
//!
//! A plugin links its own tokio, whose thread-locals the host's threads do not have; so vendor
//! code runs on the plugin's runtime, or in place with that runtime entered.

use super::contract::method_name;
use super::guard::{drop_guarded, panicked};
use super::transport::{BoxFuture, Dispatch};
use crate::abi::CallCell;
use crate::error::{PluginError, PluginResult};
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
    pub fn handle(&self) -> PluginResult<&Handle> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let mut slot = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(self.worker_threads)
            .thread_name(format!("plugin-{}", self.name))
            .enable_all()
            .build()
            .map_err(|error| PluginError::from_io("cannot start the plugin's threads", &error))?;
        let handle = runtime.handle().clone();
        *slot = Some(runtime);
        Ok(self.handle.get_or_init(|| handle))
    }

    /// Starts a future of vendor code and polls it once. Most that are polled in place have ended
    /// by then, so what only a running one needs is made when it is one.
    pub fn start<T: Send + 'static>(
        &self,
        method: u32,
        cell: &CallCell,
        future: VendorFuture<T>,
        context: &mut Context<'_>,
    ) -> PluginResult<Started<T>> {
        let handle = self.handle()?;
        let mut running = match self.dispatch {
            Dispatch::OwnRuntime => {
                let task = handle.spawn(future);
                Running::Spawned(Spawned { method, cell: cell.clone(), task })
            }
            Dispatch::InPlace => {
                let mut future = Some(future);
                return Ok(match poll_in_place(handle, method, &mut future, context) {
                    Poll::Ready(outcome) => Started::Ended(outcome),
                    Poll::Pending => {
                        let (cell, handle) = (cell.clone(), handle.clone());
                        let in_place = InPlace { method, cell, handle, future };
                        Started::Running(Running::InPlace(in_place))
                    }
                });
            }
        };
        Ok(match Pin::new(&mut running).poll(context) {
            Poll::Ready(outcome) => Started::Ended(outcome),
            Poll::Pending => Started::Running(running),
        })
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

/// A future of vendor code: it may panic, when polled and when dropped.
pub type VendorFuture<T> = BoxFuture<'static, PluginResult<T>>;

/// A call after its first poll.
pub enum Started<T> {
    Ended(PluginResult<T>),
    Running(Running<T>),
}

/// A running future of vendor code. It never panics, whatever the vendor's does; dropping it
/// cancels the call.
pub enum Running<T> {
    Spawned(Spawned<T>),
    InPlace(InPlace<T>),
}

/// A task on the plugin's runtime, aborted when dropped.
pub struct Spawned<T> {
    method: u32,
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

/// A future polled by whoever holds it, inside the plugin's runtime context.
pub struct InPlace<T> {
    method: u32,
    cell: CallCell,
    handle: Handle,
    /// None when it has ended.
    future: Option<VendorFuture<T>>,
}

impl<T> Drop for InPlace<T> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take() {
            self.cell.cancel();
            // What it owns may use the runtime when it is dropped, as in a task.
            let _entered = self.handle.enter();
            drop_guarded(future);
        }
    }
}

/// Polls a future inside the runtime, and drops it there when it ends. A panic is its end, and its
/// error.
fn poll_in_place<T>(
    handle: &Handle,
    method: u32,
    slot: &mut Option<VendorFuture<T>>,
    context: &mut Context<'_>,
) -> Poll<PluginResult<T>> {
    let Some(future) = slot else { return Poll::Ready(Err(polled_again())) };
    let _entered = handle.enter();
    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
        .unwrap_or_else(|panic| Poll::Ready(Err(panicked(method_name(method), panic))));
    if polled.is_ready() {
        drop_guarded(slot.take());
    }
    polled
}

impl<T> Future for Running<T> {
    type Output = PluginResult<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Spawned(Spawned { method, task, .. }) => {
                Pin::new(task).poll(context).map(|joined| match joined {
                    Ok(outcome) => outcome,
                    Err(error) => Err(match error.try_into_panic() {
                        Ok(panic) => panicked(method_name(*method), panic),
                        Err(_) => PluginError::cancelled("the plugin is shutting down"),
                    }),
                })
            }
            Self::InPlace(InPlace { method, handle, future, .. }) => {
                poll_in_place(handle, *method, future, context)
            }
        }
    }
}

#[cold]
fn polled_again() -> PluginError {
    PluginError::internal("a finished call was polled again")
}
