//! Group commit: many changes, one transaction, one sync of the disk, then the answers.
//!
//! What it is not: the order in which changes come; the queue has that.
//!
//! **Invariants:** a change is answered with success only after the commit that holds it. A change
//! that fails is undone alone: each runs in a savepoint of its own, and where SQLite undoes the
//! whole transaction (disk full), each runs again in a transaction of its own. After a commit that
//! failed in the disk nothing is written any more: a second sync could report success for pages
//! that the kernel has already dropped.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, ErrorCode};

use crate::store::StoreError;

/// What is to become of what a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is to last.
    Keep,
    /// The change was refused by its own rules, and keeps the reason for its caller: what it did
    /// until then is undone. The reason leaves after the commit as well, for it may speak of what
    /// a neighbour did.
    Undo,
}

/// A change in the writer's hands.
pub(super) trait Job: Send {
    /// Makes the change inside the transaction. It may be asked again after it was undone.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<Verdict>;

    /// Tells the caller how it went: as the change itself found, or that it came to nothing.
    fn answer(self: Box<Self>, outcome: Result<(), Fault>);
}

/// Why a change was not made.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// SQLite says so.
    Engine(Arc<rusqlite::Error>),
    /// The change panicked, or ended the transaction it was in.
    Bug,
    /// The writer has stopped for this reason.
    Stopped(String),
}

impl Fault {
    /// The error of an operation that was to do this.
    pub(super) fn into_error(self, what: String) -> StoreError {
        match self {
            Self::Engine(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                StoreError::Full { what }
            }
            Self::Engine(source) => StoreError::Write { what, source },
            Self::Bug => StoreError::Internal { what },
            Self::Stopped(reason) => StoreError::Stopped { what, reason },
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(Arc::new(error))
    }
}

/// How a transaction ended.
enum Attempt {
    /// It is on the disk; these are the outcomes of its changes.
    Committed(Vec<Result<(), Fault>>),
    /// It was undone as a whole, for the fault of one of its changes, or at its commit.
    Undone(Fault),
    /// None would fare better alone.
    Refused(Fault),
}

/// The writer's connection, and what it remembers between batches.
pub(super) struct Committer {
    connection: Connection,
    commits: Arc<AtomicU64>,
    stopped: Option<String>,
}

impl Committer {
    /// A committer that counts its commits there.
    pub(super) fn new(connection: Connection, commits: Arc<AtomicU64>) -> Self {
        Self { connection, commits, stopped: None }
    }

    /// Makes the changes durable, and answers each.
    pub(super) fn commit(&mut self, mut batch: Vec<Box<dyn Job>>) {
        match self.attempt(&mut batch) {
            Attempt::Committed(outcomes) => {
                for (job, outcome) in batch.into_iter().zip(outcomes) {
                    job.answer(outcome);
                }
            }
            Attempt::Undone(_) if batch.len() > 1 => {
                for job in batch {
                    self.commit(vec![job]);
                }
            }
            Attempt::Undone(fault) | Attempt::Refused(fault) => {
                for job in batch {
                    job.answer(Err(fault.clone()));
                }
            }
        }
    }

    fn attempt(&mut self, batch: &mut [Box<dyn Job>]) -> Attempt {
        if let Some(reason) = &self.stopped {
            return Attempt::Refused(Fault::Stopped(reason.clone()));
        }
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            return Attempt::Refused(error.into());
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for job in batch {
            let outcome = self.run(job.as_mut());
            if self.connection.is_autocommit() {
                return Attempt::Undone(outcome.err().unwrap_or(Fault::Bug));
            }
            outcomes.push(outcome);
        }
        match self.execute("COMMIT") {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                Attempt::Committed(outcomes)
            }
            Err(error) => self.commit_failed(error),
        }
    }

    /// Runs a change in its savepoint. When it cannot be undone alone, all is undone.
    fn run(&self, job: &mut dyn Job) -> Result<(), Fault> {
        self.execute("SAVEPOINT change")?;
        let outcome = match catch_unwind(AssertUnwindSafe(|| job.run(&self.connection))) {
            Ok(Ok(_)) if self.connection.is_autocommit() => Err(Fault::Bug),
            Ok(Ok(Verdict::Keep)) => return self.release(),
            Ok(Ok(Verdict::Undo)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Fault::Bug),
        };
        if !self.connection.is_autocommit() {
            match self.execute("ROLLBACK TO change") {
                Ok(()) => self.release()?,
                Err(_) => self.roll_back(),
            }
        }
        outcome
    }

    fn release(&self) -> Result<(), Fault> {
        self.execute("RELEASE change").map_err(|error| {
            self.roll_back();
            error.into()
        })
    }

    fn commit_failed(&mut self, error: rusqlite::Error) -> Attempt {
        self.roll_back();
        if error.sqlite_error_code() != Some(ErrorCode::SystemIoFailure) {
            return Attempt::Undone(error.into());
        }
        log::error!(
            "the store stopped writing: a commit failed in the disk ({error}); look at the disk \
             and the kernel's log, then restart the host"
        );
        self.stopped = Some(error.to_string());
        Attempt::Refused(error.into())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            log::error!("the store could not undo a transaction: {error}");
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
