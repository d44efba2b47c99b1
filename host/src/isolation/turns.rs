//! How a runner's threads read the socket: in turns.
//!
//! Whoever reads a call lets the next thread read on and runs the call on the spot; that saves
//! waking another thread for it. If nobody else is there to read on, the call becomes a task.
//!
//! **Invariant:** one thread always reads. Words are obeyed in the order in which they came, but
//! for unary calls, which know no order among each other.

use super::frames::{ReceivedCall, ToRunner, read_frame};
use super::runner::{Runner, lock};
use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The socket that threads take turns in reading.
pub(super) struct Turns {
    read: Mutex<BufReader<UnixStream>>,
    /// How many threads wait for their turn.
    waiting: AtomicUsize,
}

impl Turns {
    pub(super) fn new(read: BufReader<UnixStream>) -> Self {
        Self { read: Mutex::new(read), waiting: AtomicUsize::new(0) }
    }

    /// Reads and obeys until the socket ends; one of several threads that do.
    pub(super) fn serve(&self, runner: &Arc<Runner>) -> io::Result<()> {
        // What a call spawns in passing belongs to the runtime.
        let _entered = runner.runtime.enter();
        loop {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let mut read = lock(&self.read);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let Some(word) = read_frame(&mut *read)? else { return Ok(()) };
            match word {
                ToRunner::Call(id, call) if self.waiting.load(Ordering::SeqCst) > 0 => {
                    let call = ReceivedCall::from(call);
                    // Before the next word is read, which may cancel it.
                    runner.register(id, &call.context);
                    drop(read);
                    runner.run_on_the_spot(id, call);
                }
                // In its turn: the chunks of a stream must not overtake each other.
                word => runner.obey(word),
            }
        }
    }
}
