//! A flow without its type: what the engine works with.
//!
//! **Invariant:** the only place where a state is written as JSON and read back.

use super::flow::Flow;
use super::step::{Reach, StepContext};
use super::step_error::StepError;
use crate::model::Failure;
use crate::store::Change;
use async_trait::async_trait;
use std::sync::Arc;
use storage_plugin_api::PluginErrorKind;

/// What a step gave: its changes, and the state after it.
pub(super) type Outcome = Result<(Vec<Change>, String), StepError>;

/// A flow, by the numbers of its steps.
#[async_trait]
pub(super) trait ErasedFlow: Send + Sync + 'static {
    fn version(&self) -> u32;
    fn steps(&self) -> u32;
    fn step_name(&self, step: u32) -> &'static str;
    fn spans_stores(&self) -> bool;
    fn is_outside(&self, step: u32) -> bool;
    fn is_forward_only(&self, step: u32) -> bool;
    async fn run(&self, step: u32, context: &StepContext, state: &str) -> Outcome;
    async fn undo(&self, step: u32, context: &StepContext, state: &str) -> Outcome;
    async fn abandon(&self, context: &StepContext, state: &str) -> Outcome;
    fn finish(&self, state: &str) -> Result<Vec<Change>, StepError>;
}

pub(super) struct Erased<F>(pub(super) Arc<F>);

impl<F: Flow> Erased<F> {
    fn read(state: &str) -> Result<F::State, StepError> {
        serde_json::from_str(state).map_err(|error| {
            internal(format!("the journalled state of {} cannot be read: {error}", F::NAME))
        })
    }

    fn step(step: u32) -> Result<&'static super::Step<F>, StepError> {
        F::STEPS
            .get(step as usize)
            .ok_or_else(|| internal(format!("{} has no step number {step}", F::NAME)))
    }
}

pub(super) fn write<F: Flow>(state: &F::State) -> Result<String, StepError> {
    serde_json::to_string(state)
        .map_err(|error| internal(format!("the state of {} cannot be written: {error}", F::NAME)))
}

fn internal(message: String) -> StepError {
    StepError::never(Failure::new(PluginErrorKind::Internal, message))
}

#[async_trait]
impl<F: Flow> ErasedFlow for Erased<F> {
    fn version(&self) -> u32 {
        F::VERSION
    }

    fn steps(&self) -> u32 {
        u32::try_from(F::STEPS.len()).unwrap_or(u32::MAX)
    }

    fn step_name(&self, step: u32) -> &'static str {
        F::STEPS.get(step as usize).map_or("end", |step| step.name)
    }

    fn spans_stores(&self) -> bool {
        F::SPANS_STORES
    }

    fn is_outside(&self, step: u32) -> bool {
        F::STEPS.get(step as usize).is_some_and(|step| step.reach == Reach::Outside)
    }

    fn is_forward_only(&self, step: u32) -> bool {
        F::STEPS.get(step as usize).is_some_and(|step| step.forward_only)
    }

    async fn run(&self, step: u32, context: &StepContext, state: &str) -> Outcome {
        let mut state = Self::read(state)?;
        let changes = (Self::step(step)?.run)(&self.0, context, &mut state).await?;
        Ok((changes, write::<F>(&state)?))
    }

    async fn undo(&self, step: u32, context: &StepContext, state: &str) -> Outcome {
        let mut read = Self::read(state)?;
        match Self::step(step)?.undo {
            None => Ok((Vec::new(), state.to_owned())),
            Some(undo) => {
                let changes = undo(&self.0, context, &mut read).await?;
                Ok((changes, write::<F>(&read)?))
            }
        }
    }

    async fn abandon(&self, context: &StepContext, state: &str) -> Outcome {
        let mut state = Self::read(state)?;
        let changes = self.0.abandon(context, &mut state).await?;
        Ok((changes, write::<F>(&state)?))
    }

    fn finish(&self, state: &str) -> Result<Vec<Change>, StepError> {
        Ok(self.0.finish(&Self::read(state)?))
    }
}
