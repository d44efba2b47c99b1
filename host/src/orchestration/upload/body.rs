//! The bytes of one request on their way to the operation that takes them.
//!
//! **Invariant:** they are in memory only: an operation that outlives its host finds none, and what
//! the client still has it sends again.

use crate::motion::{ByteStream, within};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginErrorKind, PluginResult};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// How long a client may send nothing: as long as it sends, nobody else can.
const SILENT: Duration = Duration::from_secs(60);

/// Pieces as they come; an error says why no more do.
pub type Pieces = mpsc::Receiver<Result<Bytes, String>>;

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// The first byte that is still wanted.
    pub offset: u64,
    /// How many there are, as far as it is known.
    pub total: Option<u64>,
    /// All of them have come; they are looked into now.
    pub is_whole: bool,
}

/// A request that sends bytes.
#[derive(Debug)]
struct Session {
    /// `None` once they were taken.
    pieces: Option<Pieces>,
    answer: oneshot::Sender<Arrived>,
}

/// The requests that send bytes now.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Uuid, Session>>);

impl Sessions {
    /// Lets the bytes of a request wait. What comes tells how far they came, or that nobody knows.
    pub(super) fn begin(&self, uuid: Uuid, pieces: Pieces) -> oneshot::Receiver<Arrived> {
        let (answer, answered) = oneshot::channel();
        self.lock().insert(uuid, Session { pieces: Some(pieces), answer });
        answered
    }

    /// The bytes of a request; `None` where they were taken before, or are lost.
    pub(super) fn pieces(&self, uuid: Uuid) -> Option<Pieces> {
        self.lock().get_mut(&uuid)?.pieces.take()
    }

    /// Ends a request: whoever sent it is told how far it came, if it is there still.
    pub(super) fn end(&self, uuid: Uuid, arrived: Option<Arrived>) {
        let session = self.lock().remove(&uuid);
        if let (Some(session), Some(arrived)) = (session, arrived) {
            session.answer.send(arrived).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a request, in pieces as large as drivers want them.
pub(super) struct Body {
    pieces: Pieces,
    gathered: BytesMut,
    /// How many more may come.
    left: u64,
    /// Fewer are not all.
    exactly: bool,
    is_over: bool,
    is_short: Arc<AtomicBool>,
    /// How long the client may send nothing.
    window: Duration,
}

impl Body {
    /// At most so many bytes; fewer are a part only, if so many were told `exactly`.
    pub(super) fn new(pieces: Pieces, at_most: u64, exactly: bool) -> Self {
        let (gathered, is_short) = (BytesMut::new(), Arc::default());
        Self { pieces, gathered, left: at_most, exactly, is_over: false, is_short, window: SILENT }
    }

    /// Set once it has ended without being all that is wanted.
    pub(super) fn is_short(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_short)
    }

    /// Drops some bytes, which are there already.
    pub(super) async fn skip(&mut self, call: &CallContext, mut count: u64) -> PluginResult<()> {
        while count > 0 {
            let Some(mut bytes) = self.next(call).await? else {
                return Ok(());
            };
            let now = (bytes.len() as u64).min(count);
            count -= now;
            let rest = bytes.split_off(now as usize);
            if !rest.is_empty() {
                let behind = std::mem::take(&mut self.gathered);
                self.gathered.extend_from_slice(&rest);
                self.gathered.extend_from_slice(&behind);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ByteStream for Body {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        while !self.is_over && self.gathered.len() < CHUNK_BYTES {
            let silent = || PluginError::timeout("nothing came any more");
            let piece = match within(call, self.window, silent, self.pieces.recv()).await {
                Err(error) if error.kind() == PluginErrorKind::Timeout => {
                    Some(Err(format!("nothing came for {:?}", self.window)))
                }
                piece => piece?,
            };
            match piece {
                Some(Ok(piece)) => {
                    self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(|| {
                        PluginError::invalid_argument("more bytes were sent than may be")
                    })?;
                    self.gathered.extend_from_slice(&piece);
                }
                Some(Err(why)) => {
                    // What came before is kept.
                    log::info!("an upload broke off: {why}");
                    self.is_over = true;
                    self.is_short.store(true, Ordering::Release);
                }
                None => {
                    self.is_over = true;
                    self.is_short.fetch_or(self.exactly && self.left > 0, Ordering::AcqRel);
                }
            }
        }
        let length = self.gathered.len().min(CHUNK_BYTES);
        Ok((length > 0).then(|| self.gathered.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::channel;

    fn call() -> CallContext {
        CallContext::new(Uuid::new_v4())
    }

    #[tokio::test]
    async fn a_client_that_is_silent_has_sent_a_part() {
        let (sender, pieces) = channel(1);
        let mut body = Body::new(pieces, 10, false);
        body.window = Duration::from_millis(1);
        let is_short = body.is_short();
        sender.send(Ok(Bytes::from_static(b"part"))).await.unwrap();
        // The sender stays, and says nothing more.
        assert_eq!(body.next(&call()).await.unwrap().unwrap(), b"part"[..]);
        assert!(is_short.load(Ordering::Acquire));
        assert_eq!(body.next(&call()).await.unwrap(), None);
        drop(sender);
    }

    #[tokio::test]
    async fn an_upload_that_waits_for_its_client_can_be_cancelled() {
        let (sender, pieces) = channel(1);
        let mut body = Body::new(pieces, 10, false);
        let call = call();
        let cancel = call.clone();
        tokio::spawn(async move { cancel.cancel() });
        let error = body.next(&call).await.unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::Cancelled);
        drop(sender);
    }
}
