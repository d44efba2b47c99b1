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
    /// It comes twice.
    Twice,
}

impl Fault {
    pub(in crate::orchestration) const ALL: [Self; 7] = [
        Self::FailBefore,
        Self::FailAfter,
        Self::AwayBefore,
        Self::AwayAfter,
        Self::DieBefore,
        Self::DieAfter,
        Self::Twice,
    ];
}

/// The accidents of a world, and the calls it has seen since they were planned.
#[derive(Default)]
pub(in crate::orchestration) struct Faults {
    state: Mutex<State>,
    died: Notify,
}

#[derive(Default)]
struct State {
    plan: Option<(usize, Fault)>,
    calls: Vec<&'static str>,
}

impl Faults {
    /// Nothing happens, and the calls are counted from here.
    pub(in crate::orchestration) fn none(&self) {
        *self.lock() = State::default();
    }

    /// The call of this number, from 0, has this fault; no other has one.
    pub(in crate::orchestration) fn plan(&self, call: usize, fault: Fault) {
        *self.lock() = State { plan: Some((call, fault)), calls: Vec::new() };
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
        // Asked from memory before each decision: it has no accident.
        if name == "get_capabilities" {
            return work().await;
        }
        let fault = {
            let mut state = self.lock();
            state.calls.push(name);
            let number = state.calls.len() - 1;
            state.plan.and_then(|(call, fault)| (call == number).then_some(fault))
        };
        match fault {
            None => work().await,
            Some(Fault::FailBefore) => Err(PluginError::permission_denied("refused by the plan")),
            Some(Fault::AwayBefore) => Err(PluginError::unavailable("away by the plan")),
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::Twice) => {
                work().await?;
                work().await
            }
            Some(after) => {
                work().await?;
                match after {
                    Fault::FailAfter => Err(PluginError::internal("failed by the plan")),
                    Fault::AwayAfter => Err(PluginError::timeout("lost by the plan")),
                    _ => self.die().await,
                }
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
