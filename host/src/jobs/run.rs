//! Runs one operation until it rests.
//!
//! **Invariant:** nothing of a step is believed before the transaction that journals it returned.

use super::erased::ErasedFlow;
use super::live::Live;
use super::pace::{self, Next, Pace};
use super::step::StepContext;
use super::step_error::{Retrying, StepError};
use crate::model::{EventLevel, Failure, JournalEntry, Moment, NewEvent, Operation, Phase};
use crate::store::{Change, Repository, now_us};
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::PluginErrorKind;

/// An operation in the engine's hands.
///
/// While it runs, `position` is the step that runs next. While it is undone, `position` is how
/// many steps are still to be undone.
pub(super) struct Runner {
    pub(super) repository: Arc<dyn Repository>,
    pub(super) flow: Option<Arc<dyn ErasedFlow>>,
    pub(super) operation: Operation,
    pub(super) live: Arc<Live>,
    pub(super) pace: Pace,
}

/// Notes that the host that ran the operation died in the middle of it.
pub(super) fn recovered(mut operation: Operation, epoch: u64) -> Operation {
    let attempt = operation.attempt;
    operation.epoch = epoch;
    operation.attempt = attempt.saturating_add(1);
    operation.journal.push(JournalEntry {
        step: "recover".to_owned(),
        moment: Moment::Recovered,
        at_us: now_us(),
        took_us: 0,
        attempt,
        failure: None,
    });
    operation
}

impl Runner {
    /// Until the operation rests, or nothing more can be done in this life of the host.
    pub(super) async fn run(mut self) {
        let Some(flow) = self.flow.clone() else {
            log::error!(
                operation:% = self.operation.uuid;
                "operation {} is of the flow {:?}, which this host does not know; run the version \
                 of the host that began it",
                self.operation.uuid, self.operation.flow
            );
            return;
        };
        if self.operation.flow_version > flow.version() {
            log::error!(
                operation:% = self.operation.uuid;
                "operation {} was begun by a newer host (version {} of {}); run that",
                self.operation.uuid, self.operation.flow_version, self.operation.flow
            );
            return;
        }
        while !self.operation.phase.is_final() {
            let advanced = match self.operation.phase {
                Phase::Running => self.forwards(flow.as_ref()).await,
                _ => self.backwards(flow.as_ref()).await,
            };
            if !advanced {
                return;
            }
        }
    }

    /// One attempt of the current step. `false` where the operation has to rest.
    async fn forwards(&mut self, flow: &dyn ErasedFlow) -> bool {
        let step = self.operation.position;
        let forward_only = flow.is_forward_only(step);
        if self.live.is_cancelled() && !forward_only {
            let failure = Failure::new(PluginErrorKind::Cancelled, "cancelled by the operator");
            return self.turn_back(flow, failure, Moment::Cancelled, Duration::ZERO).await;
        }
        let begun = Instant::now();
        let outcome = if step < flow.steps() {
            let context = self.context(!forward_only);
            let outcome = flow.run(step, &context, &self.operation.state).await;
            self.live.unwatch();
            outcome
        } else {
            Ok((Vec::new(), self.operation.state.clone()))
        };
        let outcome = match outcome {
            Ok((changes, state)) => self.done(flow, changes, state, begun).await,
            Err(error) => Err(error),
        };
        let Err(error) = outcome else {
            return true;
        };
        if error.failure.kind == PluginErrorKind::Timeout {
            self.live.note_given_up();
        }
        let next = if forward_only {
            self.pace.without_end(error.retrying)
        } else {
            self.pace.forwards(error.retrying)
        };
        match next {
            Next::Again(after) => {
                self.wait(flow.step_name(step), &error, after, !forward_only).await
            }
            Next::Failed => {
                self.turn_back(flow, error.failure, Moment::Failed, begun.elapsed()).await
            }
            Next::Rest => self.rest(&error),
        }
    }

    /// Journals that the current step was done, together with its changes.
    async fn done(
        &mut self,
        flow: &dyn ErasedFlow,
        mut changes: Vec<Change>,
        state: String,
        begun: Instant,
    ) -> Result<(), StepError> {
        let mut next = self.operation.clone();
        if next.position < flow.steps() {
            let name = flow.step_name(next.position);
            push(&mut next, name, Moment::Done, begun.elapsed(), None);
        }
        next.state = state;
        next.position += 1;
        next.attempt = 1;
        next.waiting_for = None;
        if next.position >= flow.steps() {
            next.phase = Phase::Done;
            changes.extend(flow.finish(&next.state)?);
        }
        self.commit(changes, next).await
    }

    /// Journals why the way forwards ended, and turns back.
    async fn turn_back(
        &mut self,
        flow: &dyn ErasedFlow,
        failure: Failure,
        moment: Moment,
        took: Duration,
    ) -> bool {
        let mut next = self.operation.clone();
        let step = next.position;
        push(&mut next, flow.step_name(step), moment, took, Some(failure.clone()));
        next.phase = Phase::Undoing;
        next.cancel_requested |= moment == Moment::Cancelled;
        // A step that reached out may have done its work although it failed.
        next.position = step + u32::from(flow.is_outside(step));
        next.attempt = 1;
        next.waiting_for = None;
        let event = self.event(EventLevel::Warn, format!("{failure}; what was done is undone"));
        next.failure = Some(failure);
        match self.commit(vec![event], next).await {
            Ok(()) => true,
            Err(error) if error.retrying == Retrying::AtNextStart => self.rest(&error),
            // The store does not take it now (a full disk): the step, which is idempotent, is
            // tried once more meanwhile.
            Err(_) => {
                tokio::time::sleep(pace::FIRST_WAIT).await;
                true
            }
        }
    }

    /// One attempt to undo the last step that is not undone, or the beginning itself.
    async fn backwards(&mut self, flow: &dyn ErasedFlow) -> bool {
        let begun = Instant::now();
        let context = self.context(false);
        let (name, outcome) = match self.operation.position.checked_sub(1) {
            Some(step) => {
                (flow.step_name(step), flow.undo(step, &context, &self.operation.state).await)
            }
            None => ("begin", flow.abandon(&context, &self.operation.state).await),
        };
        self.live.unwatch();
        let outcome = match outcome {
            Ok((changes, state)) => {
                let mut next = self.operation.clone();
                push(&mut next, name, Moment::Undone, begun.elapsed(), None);
                next.state = state;
                next.attempt = 1;
                next.waiting_for = None;
                match next.position {
                    0 => next.phase = Phase::Undone,
                    steps => next.position = steps - 1,
                }
                self.commit(changes, next).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = outcome else {
            return true;
        };
        if error.failure.kind == PluginErrorKind::Timeout {
            self.live.note_given_up();
        }
        match self.pace.without_end(error.retrying) {
            Next::Again(after) => self.wait(name, &error, after, false).await,
            _ => self.rest(&error),
        }
    }

    /// Waits before the next attempt, and says for what.
    async fn wait(
        &mut self,
        step: &str,
        error: &StepError,
        after: Duration,
        may_be_cancelled: bool,
    ) -> bool {
        let mut next = self.operation.clone();
        next.attempt = next.attempt.saturating_add(1);
        if after.is_zero() {
            self.operation = next;
            tokio::task::yield_now().await;
            return true;
        }
        let failure = error.failure.clone();
        log::warn!(
            operation:% = next.uuid;
            "{} of operation {} is tried again in {after:?}: {failure}", step, next.uuid
        );
        next.waiting_for = Some(failure.message.clone());
        push(&mut next, step, Moment::Waiting, Duration::ZERO, Some(failure));
        if let Err(error) = self.commit(Vec::new(), next.clone()).await {
            if error.retrying == Retrying::AtNextStart {
                return self.rest(&error);
            }
            // What is waited for is told from memory until it can be written down.
            self.operation = next;
        }
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = self.live.cancelled(), if may_be_cancelled => {}
        }
        true
    }

    fn rest(&self, error: &StepError) -> bool {
        log::warn!(
            operation:% = self.operation.uuid;
            "operation {} rests until the next start of the host: {}",
            self.operation.uuid, error.failure
        );
        false
    }

    async fn commit(&mut self, mut changes: Vec<Change>, next: Operation) -> Result<(), StepError> {
        changes.push(Change::Journal(Box::new(next.clone())));
        self.repository.transact(changes).await?;
        if next.attempt == 1 {
            self.pace = Pace::default();
        }
        self.operation = next;
        Ok(())
    }

    fn context(&self, may_be_cancelled: bool) -> StepContext {
        StepContext {
            operation: self.operation.uuid,
            attempt: self.operation.attempt,
            may_be_cancelled,
            account: self.operation.caller.account.clone(),
            failure: self.operation.failure.clone(),
            live: Arc::clone(&self.live),
        }
    }

    fn event(&self, level: EventLevel, description: String) -> Change {
        Change::Event(NewEvent {
            event_type: self.operation.flow.to_uppercase(),
            level,
            object: self.operation.object,
            account: self.operation.caller.account.clone(),
            operation: Some(self.operation.uuid),
            description,
        })
    }
}

fn push(
    operation: &mut Operation,
    step: &str,
    moment: Moment,
    took: Duration,
    failure: Option<Failure>,
) {
    let attempt = operation.attempt;
    operation.journal.push(JournalEntry {
        step: step.to_owned(),
        moment,
        at_us: now_us(),
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        attempt,
        failure,
    });
}
