//! The way from async callers to a thread: bounded, and closed without waiting for anyone.
//!
//! What it is not: a channel that a caller holds an end of. A caller that is never polled again
//! would then keep the thread from ending.
//!
//! **Invariant:** what was pushed before [`close`](Queue::close) is taken; nothing is after it.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{self, Receiver, Sender},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::StoreError;

/// The end where work goes in.
pub(super) struct Queue<T> {
    places: usize,
    room: Arc<Semaphore>,
    sender: Mutex<Option<Sender<Queued<T>>>>,
}

/// Something in the queue. Its place is free once it was taken out and this is dropped.
pub(super) struct Queued<T> {
    item: T,
    _place: OwnedSemaphorePermit,
}

impl<T> Queued<T> {
    /// Gives the place free.
    pub(super) fn into_item(self) -> T {
        self.item
    }
}

/// A queue with so many places, and the end where work comes out.
pub(super) fn queue<T>(places: usize) -> (Queue<T>, Receiver<Queued<T>>) {
    let (sender, receiver) = mpsc::channel();
    let queue =
        Queue { places, room: Arc::new(Semaphore::new(places)), sender: Mutex::new(Some(sender)) };
    (queue, receiver)
}

impl<T> Queue<T> {
    /// Waits for a free place and takes it. Those who wait get places in the order they came.
    ///
    /// # Errors
    /// `Closed`.
    pub(super) async fn push(&self, item: T) -> Result<(), StoreError> {
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let queued = Queued { item, _place: place };
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(StoreError::Closed)?;
        sender.send(queued).map_err(|_| StoreError::Closed)
    }

    /// How many places are taken.
    pub(super) fn waiting(&self) -> usize {
        self.places - self.room.available_permits()
    }

    /// Refuses what comes from now on, and those who wait for a place.
    pub(super) fn close(&self) {
        self.room.close();
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        drop(sender.take());
    }
}
