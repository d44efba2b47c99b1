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
    commit::{Committer, Fault, Job},
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
    pub(super) async fn submit<T, W>(&self, what: String, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let change = Change { what, work, value: None, answer };
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

/// A change, what it gave, and who waits for it.
struct Change<T, W> {
    what: String,
    work: W,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Job for Change<T, W>
where
    T: Send,
    W: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.value = None;
        self.value = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Fault>) {
        let Self { what, value, answer, .. } = *self;
        let answered = match (outcome, value) {
            (Ok(()), Some(value)) => answer.send(Ok(value)),
            (Ok(()), None) => answer.send(Err(StoreError::Internal { what })),
            (Err(fault), _) => answer.send(Err(fault.into_error(what))),
        };
        if answered.is_err() {
            log::trace!("the caller of a change did not wait for its end");
        }
    }
}
