//! Bytes come down: a range of an object in pieces that are asked for beside each other.
//!
//! Every piece is of the object as it was when it was looked at: another one under the same key is
//! an error, never a mixture. A piece that breaks off is gone on with where it stopped. Invariant:
//! what was given out is the range, in order, whole, or there was an error.

use super::Bucket;
use super::failure::failed;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;
use storage_plugin_api::bytes::{Bytes, BytesMut};
use storage_plugin_api::tokio::sync::mpsc::{Receiver, Sender, channel};
use storage_plugin_api::tokio::task::JoinSet;
use storage_plugin_api::tokio::time::sleep;
use storage_plugin_api::{PluginError, PluginErrorKind as Kind, PluginResult as Result};

/// What a connection gives is gathered to this: small pieces cost the host more than their bytes.
const GATHERED: usize = 256 << 10;

/// From this on a piece is passed on as it came.
const LARGE: usize = 64 << 10;

/// So many gathered pieces wait to be taken, of each range that is asked for.
const WAITING: usize = 16;

/// How long after a piece broke off it is asked for again, the first time.
const PAUSE: Duration = Duration::from_millis(100);

/// The object as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its tag.
    pub tag: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A download under way. Dropped, it ends at once.
#[derive(Debug)]
pub struct Download {
    source: Source,
    /// What was not asked for yet.
    left: Range<u64>,
    piece_bytes: u64,
    in_flight: usize,
    /// What is asked for, in order, and how many bytes of it are still to come.
    coming: VecDeque<(Receiver<Result<Bytes>>, u64)>,
    running: JoinSet<()>,
}

#[derive(Debug, Clone)]
struct Source {
    bucket: Bucket,
    key: String,
    pin: Pin,
}

impl Download {
    /// A download of a range in bytes (`getObject`), which ends with the object: in pieces of so many
    /// bytes, so many of them at once. Nothing is asked yet.
    pub fn new(
        bucket: Bucket,
        key: &str,
        pin: Pin,
        range: Range<u64>,
        piece_bytes: u64,
        in_flight: u32,
    ) -> Self {
        let left = range.start.min(pin.size)..range.end.min(pin.size);
        Self {
            source: Source { bucket, key: key.to_owned(), pin },
            left,
            piece_bytes: piece_bytes.max(1),
            in_flight: in_flight.max(1) as usize,
            coming: VecDeque::new(),
            running: JoinSet::new(),
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `NotFound` where the object is gone, `Conflict` where it was replaced, `Corrupt` where the
    /// server gives other bytes than were asked for; those of every request.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            while self.coming.len() < self.in_flight && !self.left.is_empty() {
                self.ask();
            }
            let Some((first, left)) = self.coming.front_mut() else {
                return Ok(None);
            };
            match first.recv().await {
                Some(Ok(bytes)) => {
                    *left = left.saturating_sub(bytes.len() as u64);
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => return Err(error),
                None if *left > 0 => return Err(self.source.broke(*left)),
                None => drop(self.coming.pop_front()),
            }
            while self.running.try_join_next().is_some() {}
        }
    }

    fn ask(&mut self) {
        let end = self.left.end.min(self.left.start.saturating_add(self.piece_bytes));
        let piece = self.left.start..end;
        self.left.start = end;
        let (give, take) = channel(WAITING);
        self.coming.push_back((take, piece.end - piece.start));
        let source = self.source.clone();
        self.running.spawn(async move {
            if let Err(error) = source.fetch(piece, &give).await {
                // Nobody takes it if the download was dropped.
                give.send(Err(error)).await.ok();
            }
        });
    }
}

impl Source {
    /// Gets a piece, however often it breaks off; what was given out is not asked for again.
    async fn fetch(&self, mut piece: Range<u64>, give: &Sender<Result<Bytes>>) -> Result<()> {
        let (mut tries, mut pause) = (0, PAUSE);
        while !piece.is_empty() {
            let before = piece.start;
            let broken = match self.fetch_once(&mut piece, give).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !matches!(broken.kind(), Kind::Unavailable | Kind::Timeout | Kind::RateLimited) {
                return Err(broken);
            }
            // What made way counts as a new beginning.
            tries = if piece.start > before { 1 } else { tries + 1 };
            if tries > self.bucket.connection().max_error_retry {
                return Err(broken);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        Ok(())
    }

    async fn fetch_once(&self, piece: &mut Range<u64>, give: &Sender<Result<Bytes>>) -> Result<()> {
        let mut answer = self.ask(piece).await?;
        let mut gathered = BytesMut::new();
        while let Some(bytes) = answer.body.next().await {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => {
                    pass(piece, gathered.split().freeze(), give).await;
                    let why = format!("{}: the answer broke off at {}", self.doing(), piece.start);
                    return Err(PluginError::unavailable(why).caused_by(&error));
                }
            };
            if (gathered.len() + bytes.len()) as u64 > piece.end - piece.start {
                let why = format!("{}: more bytes came than were asked for", self.doing());
                return Err(PluginError::corrupt(why));
            }
            if bytes.len() >= LARGE {
                pass(piece, gathered.split().freeze(), give).await;
                pass(piece, bytes, give).await;
            } else {
                gathered.extend_from_slice(&bytes);
                if gathered.len() >= GATHERED {
                    pass(piece, gathered.split().freeze(), give).await;
                }
            }
        }
        pass(piece, gathered.freeze(), give).await;
        if piece.is_empty() {
            return Ok(());
        }
        let why = format!("{}: the answer ended at {} of {}", self.doing(), piece.start, piece.end);
        Err(PluginError::unavailable(why))
    }

    async fn ask(&self, piece: &Range<u64>) -> Result<GetObjectOutput> {
        let at = self.bucket.connection();
        let request = self
            .bucket
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&self.key)
            .range(format!("bytes={}-{}", piece.start, piece.end - 1))
            .if_match(&self.pin.tag);
        let answer = match request.send().await.map_err(|error| failed(at, &self.doing(), error)) {
            Err(error) if error.kind() == Kind::Conflict => return Err(self.replaced()),
            answer => answer?,
        };
        // Not every server looks at the condition.
        if answer.e_tag().is_some_and(|tag| tag != self.pin.tag) {
            return Err(self.replaced());
        }
        let expected = format!("bytes {}-{}/{}", piece.start, piece.end - 1, self.pin.size);
        let whole = *piece == (0..self.pin.size) && answer.content_range().is_none();
        if !whole && answer.content_range() != Some(expected.as_str()) {
            return Err(PluginError::corrupt(format!(
                "{}: asked for {expected:?}, the server gives {:?}",
                self.doing(),
                answer.content_range().unwrap_or("another range")
            )));
        }
        Ok(answer)
    }

    fn doing(&self) -> String {
        format!("a read of {:?} in the objects", self.key)
    }

    fn broke(&self, left: u64) -> PluginError {
        PluginError::internal(format!(
            "{}: whoever fetched it ended {left} bytes too early; read it again",
            self.doing()
        ))
    }

    fn replaced(&self) -> PluginError {
        PluginError::conflict(format!(
            "{:?} was replaced by another object while it was read; begin anew",
            self.key
        ))
    }
}

/// Gives bytes out, and counts them as gone.
async fn pass(piece: &mut Range<u64>, bytes: Bytes, give: &Sender<Result<Bytes>>) {
    if !bytes.is_empty() {
        piece.start += bytes.len() as u64;
        // Nobody takes them if the download was dropped.
        give.send(Ok(bytes)).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::{Connection, Endpoint};
    use storage_plugin_api::{Secret, tokio};

    #[tokio::test]
    async fn a_piece_that_ends_too_early_is_an_error() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1", None).unwrap();
        let connection = Connection::new(endpoint, "images", "key", Secret::new("secret"));
        let pin = Pin { tag: "tag".to_owned(), size: 7 };
        let bucket = Bucket::new(connection).unwrap();
        let mut download = Download::new(bucket, "object", pin, 0..0, 7, 1);
        let (give, take) = channel(1);
        download.coming.push_back((take, 7));
        give.send(Ok(Bytes::from("abc"))).await.unwrap();
        drop(give);
        assert_eq!(download.next().await.unwrap().as_deref(), Some(b"abc".as_slice()));
        let error = download.next().await.unwrap_err();
        assert!(error.to_string().contains("4 bytes too early"), "{error}");
    }
}
