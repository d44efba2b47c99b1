//! An operation: one saga with its journal, which is also the async job that clients poll.
//!
//! **Invariant:** `position` is the step that runs or runs next, forwards or backwards; what
//! `state` holds is enough to go on from there on another host.

use super::account::Caller;
use super::failure::Failure;
use super::record::{RecordKind, words};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// Where an operation stands.
    pub enum Phase {
        /// Its steps run.
        Running = "running",
        /// A step failed or it was cancelled: what was done is undone.
        Undoing = "undoing",
        /// Every step was done.
        Done = "done",
        /// It failed, and nothing of it is left.
        Undone = "undone",
    }
}

impl Phase {
    /// Whether it rests.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Undone)
    }
}

words! {
    /// What a journal entry tells of a step.
    pub enum Moment {
        /// It was done.
        Done = "done",
        /// It failed for good.
        Failed = "failed",
        /// It failed and will be tried again.
        Waiting = "waiting",
        /// It was undone.
        Undone = "undone",
        /// The host was started again in the middle of it.
        Recovered = "recovered",
        /// Somebody asked to cancel.
        Cancelled = "cancelled",
    }
}

/// What happened to a step, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The name of the step.
    pub step: String,
    /// What happened.
    pub moment: Moment,
    /// When, in microseconds since 1970 (UTC).
    pub at_us: i64,
    /// How long the step took until then, in microseconds.
    pub took_us: u64,
    /// Which attempt it was.
    pub attempt: u32,
    /// The failure, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The journal of an operation. It keeps its newest entries only, so that an operation that
/// waits for a back end for a week stays small.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Journal(Vec<JournalEntry>);

impl Journal {
    const KEPT: usize = 64;

    /// Adds an entry. Of the waits of one step only the first and the newest are kept.
    pub fn push(&mut self, entry: JournalEntry) {
        let waits = |one: &JournalEntry| one.moment == Moment::Waiting && one.step == entry.step;
        if entry.moment == Moment::Waiting
            && let [.., before, last] = self.0.as_mut_slice()
            && waits(before)
            && waits(last)
        {
            *last = entry;
            return;
        }
        self.0.push(entry);
        if self.0.len() > Self::KEPT {
            self.0.remove(0);
        }
    }

    /// Its entries, the oldest first.
    pub fn entries(&self) -> &[JournalEntry] {
        &self.0
    }
}

/// One saga.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its public id, which is the id of the async job.
    pub uuid: Uuid,
    /// The flow that it goes through.
    pub flow: String,
    /// The version of the flow's steps and state.
    pub flow_version: u32,
    /// What the flow was given and found out, as JSON. Never a secret: references only.
    pub state: String,
    /// The step that runs, or runs next.
    pub position: u32,
    /// Where it stands.
    pub phase: Phase,
    /// The attempt of the current step, from 1.
    pub attempt: u32,
    /// Why it is undone.
    pub failure: Option<Failure>,
    /// What it waits for, while the back end does not answer.
    pub waiting_for: Option<String>,
    /// Somebody asked to cancel.
    pub cancel_requested: bool,
    /// Who asked for it.
    pub caller: Caller,
    /// The API command that asked for it.
    pub command: String,
    /// What it is about.
    pub object: Option<(RecordKind, Uuid)>,
    /// What happened so far.
    pub journal: Journal,
    /// The epoch of the host that runs it.
    pub epoch: u64,
    /// When it began, in microseconds since 1970 (UTC).
    pub created_us: i64,
    /// When it changed last.
    pub updated_us: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(step: &str, moment: Moment, attempt: u32) -> JournalEntry {
        let step = step.to_owned();
        JournalEntry { step, moment, at_us: 0, took_us: 0, attempt, failure: None }
    }

    #[test]
    fn the_waits_of_a_step_keep_their_first_and_their_newest() {
        let mut journal = Journal::default();
        journal.push(entry("reserve", Moment::Done, 1));
        for attempt in 1..=1_000 {
            journal.push(entry("create", Moment::Waiting, attempt));
        }
        let attempts: Vec<_> = journal.entries().iter().map(|one| one.attempt).collect();
        assert_eq!(attempts, [1, 1, 1_000]);
    }

    #[test]
    fn a_journal_forgets_its_oldest_entries() {
        let mut journal = Journal::default();
        for attempt in 1..=100 {
            journal.push(entry("create", Moment::Failed, attempt));
        }
        assert_eq!(journal.entries().len(), Journal::KEPT);
        assert_eq!(journal.entries().last().map(|one| one.attempt), Some(100));
    }
}
