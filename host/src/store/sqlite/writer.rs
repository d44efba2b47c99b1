//! The one thread that changes the database, and how a change gets there and its answer back.
//!
//! What it is not: the transaction; see `commit`.
//!
//! **Invariant:** the thread takes all that waits, as one batch, and never waits for more: alone a
//! change pays one sync of the disk, and a crowd shares it.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    commit::{Committer, Fault, Job, Verdict},
    queue::{Queue, Queued, queue},
};
use crate::store::{OpenError, StoreError, directory::io_error};

/// How many changes may wait, in memory.
const PLACES: usize = 1024;
/// How many changes share one commit at most, so that the first of them does not wait for ever.
const LARGEST_BATCH: usize = 512;

/// The writer's thread.
pub(super) struct Writer {
    queue: Queue<Box<dyn Job>>,
    commits: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread with its connection. It ends with [`stop`](Self::stop).
    pub(super) fn start(connection: Connection, path: &Path) -> Result<Self, OpenError> {
        let (queue, receiver) = queue(PLACES);
        let commits = Arc::new(AtomicU64::new(0));
        let committer = Committer::new(connection, Arc::clone(&commits));
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&receiver, committer))
            .map_err(io_error("start the writer of", path))?;
        Ok(Self { queue, commits, thread: Mutex::new(Some(thread)) })
    }

    /// Makes a change and waits until the disk has it.
    ///
    /// `what` reads after "cannot". `work` runs inside a transaction that it must not end; it may
    /// run again, after all that it did was undone.
    pub(super) async fn submit<T, W>(&self, what: String, mut work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit_or_refuse(what, move |connection| work(connection).map_err(Halt::Engine)).await
    }

    /// The same for work with rules of its own: what it did before it refused is undone.
    pub(super) async fn submit_or_refuse<T, R, W>(&self, what: String, work: W) -> Result<T, R>
    where
        T: Send + 'static,
        R: From<StoreError> + Send + 'static,
        W: FnMut(&Connection) -> Result<T, Halt<R>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let change = Change { what, work, outcome: None, answer };
        self.queue.push(Box::new(change)).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// How many transactions were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How many changes are in the queue.
    pub(super) fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Refuses further changes and waits for those that are in the queue.
    pub(super) fn stop(&self) {
        self.queue.close();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the writer of the store ended by a panic; its last changes failed");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(queue: &Receiver<Queued<Box<dyn Job>>>, mut committer: Committer) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first.into_item()];
        while batch.len() < LARGEST_BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next.into_item());
        }
        committer.commit(batch);
    }
}

/// Why work stopped half-way.
#[derive(Debug)]
pub(super) enum Halt<R> {
    /// SQLite says so.
    Engine(rusqlite::Error),
    /// Its own rules say so.
    Refused(R),
}

impl<R> From<rusqlite::Error> for Halt<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

/// A change, how it went, and who waits for it.
struct Change<T, R, W> {
    what: String,
    work: W,
    outcome: Option<Result<T, R>>,
    answer: oneshot::Sender<Result<T, R>>,
}

impl<T, R, W> Job for Change<T, R, W>
where
    T: Send,
    R: From<StoreError> + Send,
    W: FnMut(&Connection) -> Result<T, Halt<R>> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<Verdict> {
        self.outcome = None;
        let (outcome, verdict) = match (self.work)(connection) {
            Ok(value) => (Ok(value), Verdict::Keep),
            Err(Halt::Refused(refusal)) => (Err(refusal), Verdict::Undo),
            Err(Halt::Engine(error)) => return Err(error),
        };
        self.outcome = Some(outcome);
        Ok(verdict)
    }

    fn answer(self: Box<Self>, fate: Result<(), Fault>) {
        let Self { what, outcome, answer, .. } = *self;
        let outcome = match (fate, outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Internal { what }.into()),
            (Err(fault), _) => Err(fault.into_error(what).into()),
        };
        if answer.send(outcome).is_err() {
            log::trace!("the caller of a change did not wait for its end");
        }
    }
}
