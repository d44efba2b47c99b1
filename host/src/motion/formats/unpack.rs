//! Unpacks what a download came wrapped in, as it comes.
//!
//! What it is: a stream of bytes over another one, with a thread of its own that decompresses.
//! What it is not: resumable; a download that is unpacked begins anew after a crash.
//!
//! **Invariant:** memory is bounded by the format's window (128 MiB at most) and a few chunks, and
//! the output by limits that hold while it flows.

use super::kind::Packing;
use super::refusal::{InspectError, Refusal, RefusalCode};
use super::zip;
use crate::motion::byte_stream::ByteStream;
use async_trait::async_trait;
use bytes::{Buf as _, Bytes, BytesMut};
use std::fmt;
use std::io::{self, BufRead, Read};
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginResult};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What xz may take: its best level takes 65 MiB.
const MOST_XZ_MEMORY: u64 = 128 << 20;
/// The window that zstd may take, as a power of two: its best level takes 2^27.
const MOST_ZSTD_WINDOW: u32 = 27;
/// No disk that is worth something is packed tighter: zeros are, by gzip to a thousandth, by xz to
/// a seven-thousandth.
const MOST_RATIO: u64 = 10_000;
/// Below this a ratio means nothing.
const RATIO_COUNTS_FROM: u64 = 256 << 20;
/// Chunks that wait on either side of the thread.
const AHEAD: usize = 2;

/// Bytes that are unpacked as they come.
pub struct Unpacked<S> {
    source: S,
    packing: Packing,
    most: u64,
    packed: u64,
    unpacked: u64,
    feed: Option<mpsc::Sender<Bytes>>,
    is_source_at_end: bool,
    output: mpsc::Receiver<Result<Bytes, InspectError>>,
    /// Until its end was seen.
    thread: Option<JoinHandle<()>>,
}

impl<S: ByteStream> Unpacked<S> {
    /// Unpacks a source to at most so many bytes. Has to be called on a runtime.
    pub fn new(source: S, packing: Packing, most: u64) -> Self {
        let (feed, input) = mpsc::channel(AHEAD);
        let (sender, output) = mpsc::channel(AHEAD);
        let thread = tokio::task::spawn_blocking(move || {
            let input = Input { feed: input, current: Bytes::new() };
            if let Err(error) = unpack(packing, input, &sender) {
                // Whoever went away needs no error.
                sender.blocking_send(Err(error)).ok();
            }
        });
        Self {
            source,
            packing,
            most,
            packed: 0,
            unpacked: 0,
            feed: Some(feed),
            is_source_at_end: false,
            output,
            thread: Some(thread),
        }
    }

    /// The packed bytes that were read so far: what its progress is told in.
    pub fn packed_bytes(&self) -> u64 {
        self.packed
    }

    /// What is unpacked, to ask it what it knows.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Takes back what is unpacked, to ask it for a checksum at the end.
    pub fn into_source(self) -> S {
        self.source
    }

    /// Gives the thread what comes next.
    async fn feed(&mut self, call: &CallContext) -> PluginResult<()> {
        let Some(bytes) = self.source.next(call).await? else {
            self.feed = None;
            self.is_source_at_end = true;
            return Ok(());
        };
        self.packed += bytes.len() as u64;
        if let Some(feed) = &self.feed {
            // A thread that is at its end takes no more; its output says why.
            feed.send(bytes).await.ok();
        }
        Ok(())
    }

    fn check(&mut self, bytes: &Bytes) -> Result<(), Refusal> {
        self.unpacked += bytes.len() as u64;
        let ratio = self.unpacked / self.packed.max(1);
        let is_tight = self.unpacked > RATIO_COUNTS_FROM && ratio > MOST_RATIO;
        if self.unpacked <= self.most && !is_tight {
            return Ok(());
        }
        let line = format!(
            "{} bytes of {} became more than {} bytes, where at most {} are taken, and at most \
             {MOST_RATIO} for each packed one",
            self.packed,
            self.packing.name(),
            self.unpacked - bytes.len() as u64,
            self.most
        );
        Err(Refusal::new(RefusalCode::Bomb, line))
    }

    /// The thread ended: by itself, or by a defect of what unpacks.
    async fn end(&mut self, call: &CallContext) -> PluginResult<()> {
        let broke = |what: &dyn fmt::Display| {
            PluginError::corrupt(format!("unpacking {} broke off: {what}", self.packing.name()))
        };
        if let Some(thread) = self.thread.take() {
            thread.await.map_err(|error| broke(&error))?;
        }
        // What follows the end of the packed bytes has to be read, for the source to say whether it
        // is whole and for its checksum.
        self.feed = None;
        while !self.is_source_at_end {
            self.feed(call).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl<S: ByteStream> ByteStream for Unpacked<S> {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        loop {
            if call.is_cancelled() {
                return Err(PluginError::cancelled("cancelled while a file was unpacked"));
            }
            let hungry = async {
                match &self.feed {
                    Some(feed) => feed.reserve().await.is_ok(),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                output = self.output.recv() => match output {
                    Some(Ok(bytes)) => {
                        self.check(&bytes)?;
                        return Ok(Some(bytes));
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => {
                        self.end(call).await?;
                        return Ok(None);
                    }
                },
                takes = hungry => match takes {
                    true => self.feed(call).await?,
                    false => self.feed = None,
                },
            }
        }
    }
}

impl<S> fmt::Debug for Unpacked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacked")
            .field("packing", &self.packing)
            .field("packed", &self.packed)
            .field("unpacked", &self.unpacked)
            .finish_non_exhaustive()
    }
}

/// The packed bytes, on the thread.
pub(super) struct Input {
    feed: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.current.is_empty()
            && let Some(next) = self.feed.blocking_recv()
        {
            self.current = next;
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount);
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.len().min(buffer.len());
        self.current.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

type Output = mpsc::Sender<Result<Bytes, InspectError>>;

fn unpack(packing: Packing, input: Input, output: &Output) -> Result<(), InspectError> {
    let read = |reader: &mut dyn Read| pump(packing, reader, &mut |bytes| send(output, bytes));
    let setup = |error: io::Error| broken(packing, &error);
    match packing {
        Packing::Gzip => read(&mut flate2::bufread::MultiGzDecoder::new(input)),
        Packing::Bzip2 => read(&mut bzip2::bufread::MultiBzDecoder::new(input)),
        Packing::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(MOST_XZ_MEMORY, flags);
            let stream = stream.map_err(|error| setup(error.into()))?;
            read(&mut liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Packing::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(setup)?;
            decoder.window_log_max(MOST_ZSTD_WINDOW).map_err(setup)?;
            read(&mut decoder)
        }
        Packing::Zip => zip::unpack(input, &mut |bytes| send(output, bytes)),
    }
}

/// Hands on what is unpacked; an error where nobody takes it.
fn send(output: &Output, bytes: Bytes) -> Result<(), InspectError> {
    output
        .blocking_send(Ok(bytes))
        .map_err(|_| PluginError::cancelled("nobody reads what is unpacked").into())
}

/// Reads all that there is, in chunks.
pub(super) fn pump(
    packing: Packing,
    reader: &mut dyn Read,
    take: &mut dyn FnMut(Bytes) -> Result<(), InspectError>,
) -> Result<(), InspectError> {
    loop {
        let mut chunk = BytesMut::zeroed(CHUNK_BYTES);
        let mut filled = 0;
        while let Some(free) = chunk.get_mut(filled..)
            && !free.is_empty()
        {
            match reader.read(free) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(packing, &error)),
            }
        }
        let is_last = filled < CHUNK_BYTES;
        chunk.truncate(filled);
        if filled > 0 {
            take(chunk.freeze())?;
        }
        if is_last {
            return Ok(());
        }
    }
}

pub(super) fn broken(packing: Packing, error: &io::Error) -> InspectError {
    PluginError::corrupt(format!(
        "the {} file cannot be unpacked: {error}; it is cut off, damaged, or needs more memory \
         than is given to it",
        packing.name()
    ))
    .into()
}
