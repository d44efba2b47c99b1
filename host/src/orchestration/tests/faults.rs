//! Accidents at calls into a plugin: which call, and what happens to it.

use std::sync::{Mutex, PoisonError};
use storage_plugin_api::{PluginError, PluginResult};
use tokio::sync::Notify;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::orchestration) enum Fault {
    /// It fails for good before it did anything.
    FailBefore,
    /// It does its work, and fails for good.
    FailAfter,
    /// It fails before it did anything, as if the back end were away.
    AwayBefore,
    /// It does its work, and the answer is lost.
    AwayAfter,
    /// The host dies before it did anything.
    DieBefore,
    /// It does its work, and the host dies.
    DieAfter,
    /// It does its work and fails for good, and the host dies after the call that comes next.
    FailAndDie,
    /// It comes twice.
    Twice,
    /// The code around it panics. No accident of a call, so it is not among all of them.
    Break,
}

impl Fault {
    pub(in crate::orchestration) const ALL: [Self; 8] = [
        Self::FailBefore,
        Self::FailAfter,
        Self::AwayBefore,
        Self::AwayAfter,
        Self::DieBefore,
        Self::DieAfter,
        Self::FailAndDie,
        Self::Twice,
    ];
}

/// The accidents of a world, and the calls it has seen since they were planned.
#[derive(Default)]
pub(in crate::orchestration) struct Faults {
    state: Mutex<State>,
    died: Notify,
    holds: Notify,
    let_go: Notify,
}

#[derive(Default)]
struct State {
    plan: Option<(usize, Fault)>,
    calls: Vec<&'static str>,
    /// The call of this number waits until it is let go.
    held: Option<usize>,
}

impl Faults {
    /// Nothing happens, and the calls are counted from here.
    pub(in crate::orchestration) fn none(&self) {
        *self.lock() = State::default();
    }

    /// The call of this number, from 0, has this fault; no other has one.
    pub(in crate::orchestration) fn plan(&self, call: usize, fault: Fault) {
        *self.lock() = State { plan: Some((call, fault)), ..State::default() };
    }

    /// The call of this number, from 0, waits until it is let go.
    pub(in crate::orchestration) fn hold(&self, call: usize) {
        *self.lock() = State { held: Some(call), ..State::default() };
    }

    /// Ready once that call waits.
    pub(in crate::orchestration) async fn holds(&self) {
        self.holds.notified().await;
    }

    /// Lets it go.
    pub(in crate::orchestration) fn let_go(&self) {
        self.let_go.notify_one();
    }

    /// The calls since then.
    pub(in crate::orchestration) fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.clone()
    }

    /// Ready once the host died by the plan.
    pub(in crate::orchestration) async fn died(&self) {
        self.died.notified().await;
    }

    /// Makes a call, with its fault if it has one.
    pub(super) async fn call<T, F>(
        &self,
        name: &'static str,
        mut work: impl FnMut() -> F,
    ) -> PluginResult<T>
    where
        F: Future<Output = PluginResult<T>>,
    {
        let fault = self.next(name).await;
        if fault == Some(Fault::Twice) {
            work().await?;
        }
        self.suffer(fault, work()).await
    }

    /// Makes a call that cannot come twice: one of a stream.
    pub(super) async fn once<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        let fault = self.next(name).await;
        self.suffer(fault, work).await
    }

    /// Counts a call, and gives its fault.
    async fn next(&self, name: &'static str) -> Option<Fault> {
        let (fault, held) = {
            let mut state = self.lock();
            let number = state.calls.len();
            state.calls.push(name);
            let fault = match state.plan {
                Some((call, fault)) if call == number => Some(fault),
                Some((call, Fault::FailAndDie)) if call + 1 == number => Some(Fault::DieAfter),
                _ => None,
            };
            (fault, state.held == Some(number))
        };
        if held {
            self.holds.notify_one();
            self.let_go.notified().await;
        }
        fault
    }

    async fn suffer<T>(
        &self,
        fault: Option<Fault>,
        work: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        match fault {
            None | Some(Fault::Twice) => work.await,
            Some(Fault::FailBefore) => Err(PluginError::permission_denied("refused by the plan")),
            Some(Fault::AwayBefore) => Err(PluginError::unavailable("away by the plan")),
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::Break) => panic!("broken by the plan"),
            Some(Fault::FailAfter | Fault::FailAndDie) => {
                work.await?;
                Err(PluginError::internal("failed by the plan"))
            }
            Some(Fault::AwayAfter) => {
                work.await?;
                Err(PluginError::timeout("lost by the plan"))
            }
            Some(Fault::DieAfter) => {
                work.await?;
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
