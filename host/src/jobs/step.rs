//! A step of a flow.

use super::flow::Flow;
use super::live::Live;
use super::step_error::StepError;
use crate::model::{EventLevel, Failure, NewEvent, RecordKind};
use crate::store::Change;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use storage_plugin_api::CallContext;
use uuid::Uuid;

/// A step on its way: it gives the changes that are committed together with its outcome.
pub type StepFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<Change>, StepError>> + Send + 'a>>;

/// Does a step, or undoes it.
pub(super) type StepFn<F> =
    for<'a> fn(&'a F, &'a StepContext, &'a mut <F as Flow>::State) -> StepFuture<'a>;

/// One step. Made by [`Step::local`] or [`Step::outside`].
pub struct Step<F: Flow> {
    pub(super) name: &'static str,
    pub(super) reach: Reach,
    pub(super) run: StepFn<F>,
    pub(super) undo: Option<StepFn<F>>,
    pub(super) forward_only: bool,
}

/// How far the effects of a step reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Into the store only: a step that failed did nothing.
    Local,
    /// Out of the store: a step that failed may have done its work all the same.
    Outside,
}

impl<F: Flow> Step<F> {
    /// A step whose only effects are the changes it gives.
    pub const fn local(name: &'static str, run: StepFn<F>) -> Self {
        Self { name, reach: Reach::Local, run, undo: None, forward_only: false }
    }

    /// A step that asks a plugin to do something. It is idempotent, and so is its undo, which also
    /// comes when the step failed.
    pub const fn outside(name: &'static str, run: StepFn<F>) -> Self {
        Self { name, reach: Reach::Outside, run, undo: None, forward_only: false }
    }

    /// How to undo it. A step without undo leaves nothing to undo.
    #[must_use]
    pub const fn undone_by(mut self, undo: StepFn<F>) -> Self {
        self.undo = Some(undo);
        self
    }

    /// From here on there is no way back: a failure is tried again until it succeeds, and to
    /// cancel is refused.
    #[must_use]
    pub const fn forward_only(mut self) -> Self {
        self.forward_only = true;
        self
    }
}

impl<F: Flow> fmt::Debug for Step<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Step").field(&self.name).finish()
    }
}

/// Makes a [`StepFn`] of an `async fn(&self, &StepContext, &mut State) -> Result<Vec<Change>,
/// StepError>`.
macro_rules! step_fn {
    ($method:ident) => {
        |flow: &Self, context, state| Box::pin(flow.$method(context, state))
    };
}
pub(crate) use step_fn;

/// What a step knows of the operation it belongs to.
#[derive(Debug)]
pub struct StepContext {
    pub(super) operation: Uuid,
    pub(super) attempt: u32,
    /// Neither undoing nor past the point of no return.
    pub(super) may_be_cancelled: bool,
    pub(super) account: String,
    pub(super) failure: Option<Failure>,
    pub(super) live: Arc<Live>,
}

impl StepContext {
    /// A context for calls that no operation makes.
    pub fn detached(account: &str) -> Self {
        Self {
            operation: Uuid::new_v4(),
            attempt: 1,
            may_be_cancelled: true,
            account: account.to_owned(),
            failure: None,
            live: Arc::new(Live::new()),
        }
    }

    /// The operation.
    pub fn operation(&self) -> Uuid {
        self.operation
    }

    /// The name of the account that asked for it.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Something that the operation did to an object, in a sentence for people; recorded with the
    /// outcome of the step. `event_type` is CloudStack's word: `VOLUME.CREATE`.
    pub fn event(
        &self,
        event_type: &str,
        object: (RecordKind, Uuid),
        description: impl Into<String>,
    ) -> Change {
        Change::Event(NewEvent {
            event_type: event_type.to_owned(),
            level: EventLevel::Info,
            object: Some(object),
            account: self.account.clone(),
            operation: Some(self.operation),
            description: description.into(),
        })
    }

    /// Why the operation is undone, while it is.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The attempt of this step, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The context of a call into a plugin. What the plugin reports on it is the progress of the
    /// operation, and cancelling the operation cancels the call, unless the call undoes something
    /// or the point of no return has passed.
    pub fn call(&self) -> CallContext {
        let call = CallContext::new(self.operation).attempt_number(self.attempt);
        self.live.watch(call.clone(), self.may_be_cancelled);
        call
    }
}
