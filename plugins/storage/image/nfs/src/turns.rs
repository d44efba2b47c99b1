//! Taking turns: of those who ask for the same thing, one goes on and the others wait.
//!
//! A call that was given up may still be at work on its thread when the next one for the object
//! comes. That one waits, and finds what was left or made. One process lives on a store, so this
//! needs no lock of the file system.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use storage_plugin_api::uuid::Uuid;

/// What turns are taken at: a store's folders and limit, or an object of a store.
pub(crate) type Key = (Uuid, Option<Uuid>);

/// All turns of a provider.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    taken: Mutex<HashSet<Key>>,
    given_back: Condvar,
}

/// A turn; it is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    key: Key,
}

impl Turns {
    /// Waits for its turn. Blocks.
    pub(crate) fn take(&self, key: Key) -> Turn {
        let taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.given_back.wait_while(taken, |taken| taken.contains(&key));
        waited.unwrap_or_else(PoisonError::into_inner).insert(key);
        Turn { turns: self.clone(), key }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let inner = &self.turns.0;
        inner.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        inner.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn the_same_waits_and_another_does_not() {
        let (turns, store) = (Turns::default(), Uuid::new_v4());
        let first = turns.take((store, None));
        drop(turns.take((store, Some(store))));
        std::thread::scope(|scope| {
            let (done, answer) = mpsc::channel();
            let turns = &turns;
            scope.spawn(move || {
                drop(turns.take((store, None)));
                done.send(()).unwrap();
            });
            assert!(answer.recv_timeout(Duration::from_millis(50)).is_err());
            drop(first);
            answer.recv().unwrap();
        });
    }
}
