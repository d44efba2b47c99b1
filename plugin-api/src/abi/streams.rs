//! Streams across the boundary.
//!
//! A reader or writer of a vendor lives in a task of the plugin's runtime, a few chunks ahead of
//! or behind the host. What crosses is a channel's end, so no vendor code runs in a host's thread,
//! and the bytes themselves are handed over, not copied.

use super::guard::{drop_guarded, panicked};
use super::host_wire::{plain_result, wire_result};
use super::runtime::PluginRuntime;
use super::transport::CatchUnwind;
use super::wire::{
    ReaderBox, ReaderWire, ReaderWire_TO, WireChunk, WireResult, WireToken, WireWritten, WriterBox,
    WriterWire, WriterWire_TO,
};
use super::{FfiBytes, decode, encode};
use crate::error::{PluginError, PluginResult};
use crate::stream::{CheckpointToken, Chunk, DataReader, DataWriter, WriteResult};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::ROption;
use async_ffi::{FfiFuture, FutureExt};
use async_trait::async_trait;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::AbortHandle;

/// Chunks between the plugin and the host: enough to hide a thread switch, at most 4 MiB.
const CHUNKS_AHEAD: usize = 4;

impl From<Chunk> for WireChunk {
    fn from(chunk: Chunk) -> Self {
        match chunk {
            Chunk::Data { offset, bytes } => Self { offset, hole: 0, bytes: bytes.into() },
            Chunk::Hole { offset, length } => {
                Self { offset, hole: length, bytes: FfiBytes::empty() }
            }
        }
    }
}

impl From<WireChunk> for Chunk {
    fn from(chunk: WireChunk) -> Self {
        match chunk.hole {
            0 => Self::Data { offset: chunk.offset, bytes: chunk.bytes.into() },
            length => Self::Hole { offset: chunk.offset, length },
        }
    }
}

impl From<CheckpointToken> for WireToken {
    fn from(token: CheckpointToken) -> Self {
        Self { offset: token.offset, state: token.state.into() }
    }
}

impl From<WireToken> for CheckpointToken {
    fn from(token: WireToken) -> Self {
        Self { offset: token.offset, state: token.state.into() }
    }
}

/// Ends a task of the plugin's when the host lets go of its stream.
struct EndOnDrop(AbortHandle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Awaits vendor code in a task that must outlive its panics.
async fn caught<T>(
    what: &str,
    future: impl Future<Output = PluginResult<T>> + Send,
) -> PluginResult<T> {
    match CatchUnwind(Box::pin(future)).await {
        Ok(outcome) => outcome,
        Err(panic) => Err(panicked(what, panic)),
    }
}

struct PluginReader {
    chunks: Arc<Mutex<mpsc::Receiver<PluginResult<Chunk>>>>,
    _task: EndOnDrop,
}

/// A vendor's reader as a wire object.
pub fn reader_box(
    mut reader: Box<dyn DataReader>,
    runtime: &PluginRuntime,
) -> PluginResult<ReaderBox> {
    let (send, receive) = mpsc::channel(CHUNKS_AHEAD);
    let task = runtime.handle()?.spawn(async move {
        loop {
            let next = caught("reading a chunk", reader.next()).await;
            let last = !matches!(next, Ok(Some(_)));
            let sent = match next {
                Ok(Some(chunk)) => send.send(Ok(chunk)).await,
                Ok(None) => Ok(()),
                Err(error) => send.send(Err(error.in_operation("read"))).await,
            };
            if last || sent.is_err() {
                break;
            }
        }
        drop_guarded(reader);
    });
    let reader = PluginReader {
        chunks: Arc::new(Mutex::new(receive)),
        _task: EndOnDrop(task.abort_handle()),
    };
    Ok(ReaderWire_TO::from_value(reader, TD_Opaque))
}

impl ReaderWire for PluginReader {
    fn next(&self) -> FfiFuture<WireResult<ROption<WireChunk>>> {
        let chunks = Arc::clone(&self.chunks);
        async move {
            let next = chunks.lock().await.recv().await.transpose();
            wire_result(next.map(|chunk| chunk.map(WireChunk::from).into()))
        }
        .into_ffi()
    }
}

/// The host's side of a reader.
pub struct HostReader(pub ReaderBox);

#[async_trait]
impl DataReader for HostReader {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        let next = self.0.next().await;
        Ok(plain_result(next)?.into_option().map(Chunk::from))
    }
}

enum Order {
    Write(Chunk),
    Finish(oneshot::Sender<PluginResult<WriteResult>>),
    Abort(oneshot::Sender<PluginResult<()>>),
}

/// What the writer's task tells the host between chunks.
#[derive(Default)]
struct News {
    token: Option<CheckpointToken>,
    failed: Option<PluginError>,
}

struct PluginWriter {
    orders: mpsc::Sender<Order>,
    news: Arc<StdMutex<News>>,
    _task: EndOnDrop,
}

/// A vendor's writer as a wire object.
pub fn writer_box(writer: Box<dyn DataWriter>, runtime: &PluginRuntime) -> PluginResult<WriterBox> {
    let (orders, receive) = mpsc::channel(CHUNKS_AHEAD);
    let news = Arc::<StdMutex<News>>::default();
    let task = runtime.handle()?.spawn(carry_out(writer, receive, Arc::clone(&news)));
    let writer = PluginWriter { orders, news, _task: EndOnDrop(task.abort_handle()) };
    Ok(WriterWire_TO::from_value(writer, TD_Opaque))
}

async fn carry_out(
    mut writer: Box<dyn DataWriter>,
    mut orders: mpsc::Receiver<Order>,
    news: Arc<StdMutex<News>>,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Write(chunk) => {
                if lock(&news).failed.is_some() {
                    // The host learns of it with its next write; these were on their way.
                    continue;
                }
                match caught("writing a chunk", writer.write(chunk)).await {
                    Ok(Some(token)) => lock(&news).token = Some(token),
                    Ok(None) => {}
                    Err(error) => lock(&news).failed = Some(error.in_operation("write")),
                }
            }
            Order::Finish(answer) => {
                let failed = lock(&news).failed.clone();
                let outcome = match failed {
                    Some(error) => Err(error),
                    None => caught("finishing a write", writer.finish()).await,
                };
                // The host may have given up waiting.
                answer.send(outcome.map_err(|error| error.in_operation("finish"))).ok();
            }
            Order::Abort(answer) => {
                let outcome = caught("aborting a write", writer.abort()).await;
                answer.send(outcome.map_err(|error| error.in_operation("abort"))).ok();
            }
        }
    }
    drop_guarded(writer);
}

fn lock(news: &StdMutex<News>) -> std::sync::MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> PluginError {
    PluginError::unavailable("the writer's task has ended")
}

impl WriterWire for PluginWriter {
    fn write(&self, chunk: WireChunk) -> FfiFuture<WireResult<ROption<WireToken>>> {
        let (orders, news) = (self.orders.clone(), Arc::clone(&self.news));
        async move {
            let failed = lock(&news).failed.clone();
            if let Some(error) = failed {
                return wire_result(Err(error));
            }
            let sent = orders.send(Order::Write(chunk.into())).await;
            let token = lock(&news).token.take();
            wire_result(sent.map(|()| token.map(WireToken::from).into()).map_err(|_| gone()))
        }
        .into_ffi()
    }

    fn finish(&self) -> FfiFuture<WireResult<WireWritten>> {
        let orders = self.orders.clone();
        async move {
            let (send, receive) = oneshot::channel();
            let sent = orders.send(Order::Finish(send)).await;
            wire_result(match (sent, receive.await) {
                (Ok(()), Ok(outcome)) => {
                    outcome.and_then(|written| Ok(FfiBytes::from(encode(&written)?)))
                }
                _ => Err(gone()),
            })
        }
        .into_ffi()
    }

    fn abort(&self) -> FfiFuture<WireResult<()>> {
        let orders = self.orders.clone();
        async move {
            let (send, receive) = oneshot::channel();
            let sent = orders.send(Order::Abort(send)).await;
            wire_result(match (sent, receive.await) {
                (Ok(()), Ok(outcome)) => outcome,
                _ => Err(gone()),
            })
        }
        .into_ffi()
    }
}

/// The host's side of a writer.
pub struct HostWriter(pub WriterBox);

#[async_trait]
impl DataWriter for HostWriter {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        let written = self.0.write(chunk.into()).await;
        Ok(plain_result(written)?.into_option().map(CheckpointToken::from))
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        let finished = self.0.finish().await;
        decode(plain_result(finished)?.as_ref())
    }

    async fn abort(&mut self) -> PluginResult<()> {
        let aborted = self.0.abort().await;
        plain_result(aborted)
    }
}
