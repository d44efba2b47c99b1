//! A few threads that read, each with a connection that cannot write.
//!
//! What it is not: a runtime's blocking pool. The future of a read may be polled by a plugin's own
//! runtime, which knows nothing of the host's.
//!
//! **Invariant:** a read sees the database as of one moment, and never waits for the writer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc::Receiver},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    connection::Database,
    queue::{Queue, Queued, queue},
};
use crate::store::{OpenError, StoreError, directory::io_error};

/// How many reads run at once: enough that a long one does not hold up the short ones.
const THREADS: usize = 4;
/// How many reads may wait.
const PLACES: usize = 1024;

type Read = Box<dyn FnOnce(&Connection) + Send>;
type Work = Arc<Mutex<Receiver<Queued<Read>>>>;

/// The readers' threads.
pub(super) struct Readers {
    queue: Queue<Read>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Opens the connections and starts the threads. They end with [`stop`](Self::stop).
    pub(super) fn start(database: &Database) -> Result<Self, OpenError> {
        let (queue, receiver) = queue(PLACES);
        let readers = Self { queue, threads: Mutex::new(Vec::with_capacity(THREADS)) };
        let work: Work = Arc::new(Mutex::new(receiver));
        for number in 1..=THREADS {
            let connection = database.open_to_read()?;
            let work = Arc::clone(&work);
            let thread = thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || run(&work, &connection))
                .map_err(io_error("start a reader of", database.path()))?;
            readers.lock().push(thread);
        }
        Ok(readers)
    }

    /// Reads. `what` reads after "cannot".
    pub(super) async fn submit<T, W>(&self, what: String, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let read = move |connection: &Connection| {
            if answer.is_closed() {
                return;
            }
            if answer.send(read(what, work, connection)).is_err() {
                log::trace!("the caller of a read did not wait for its end");
            }
        };
        self.queue.push(Box::new(read)).await?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Refuses further reads and waits for those that are in the queue.
    pub(super) fn stop(&self) {
        self.queue.close();
        for thread in self.lock().drain(..) {
            if thread.join().is_err() {
                log::error!("a reader of the store ended by a panic");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(work: &Work, connection: &Connection) {
    loop {
        // One waits with the lock, the others for the lock; whoever got work gives it back first.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(read) => read.into_item()(connection),
            Err(_) => return,
        }
    }
}

fn read<T>(
    what: String,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    connection: &Connection,
) -> Result<T, StoreError> {
    let guarded = AssertUnwindSafe(|| {
        let moment = connection.unchecked_transaction()?;
        work(&moment)
    });
    match catch_unwind(guarded) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StoreError::Read { what, source: Arc::new(error) }),
        Err(_) => Err(StoreError::Internal { what }),
    }
}
