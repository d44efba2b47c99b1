//! A flow: what kind of operation it is, as a table of steps.

use super::step::{Step, StepContext, StepFuture};
use crate::store::Change;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of operation.
///
/// Its state is journalled after each step. It holds references, never a secret: details of a pool
/// are read from the store where they are needed.
///
/// WHEN CHANGING the steps or the state of a flow, raise [`VERSION`](Self::VERSION), and keep
/// reading what the version before wrote: an operation may have begun under it.
pub trait Flow: Sized + Send + Sync + 'static {
    /// What the flow was given and found out.
    type State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Its name in the journal: `volume.create`.
    const NAME: &'static str;
    /// The version of its steps and state.
    const VERSION: u32;
    /// What it does, in order. Undone backwards.
    const STEPS: &'static [Step<Self>];
    /// Whether it makes or removes something on other stores than the one that its object is on, so
    /// that a call that was given up may have left something on any of them.
    const SPANS_STORES: bool = false;

    /// Undoes what was committed together with the start of the operation, after all steps were
    /// undone. By default nothing was.
    fn abandon<'a>(
        &'a self,
        context: &'a StepContext,
        state: &'a mut Self::State,
    ) -> StepFuture<'a> {
        let _ = (context, state);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What is committed together with the end of the operation, when all steps were done.
    fn finish(&self, state: &Self::State) -> Vec<Change> {
        let _ = state;
        Vec::new()
    }
}
