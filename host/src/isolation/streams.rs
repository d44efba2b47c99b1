//! Streams over the socket: the runner's tasks and the host's readers and writers.
//!
//! Both directions are bounded by credit: a reader sends as many chunks as the host asked for, a
//! writer is sent as many as it has answered, plus a few. So a slow side never fills the socket
//! that other calls need.

use super::connection::{Connection, Ticket};
use super::frames::{ErrorFrame, ReceivedCall, ToHost, ToRunner};
use super::runner::{Runner, lock};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use storage_plugin_api::abi::Transport;
use storage_plugin_api::{
    CheckpointToken, Chunk, DataReader, DataWriter, PluginError, PluginResult, WriteResult,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

/// Chunks on their way at once.
pub(super) const CREDIT: u32 = 4;

/// What a runner's writer is to do.
pub(super) enum StreamOrder {
    Write(Chunk),
    Finish,
    Abort,
}

enum Open {
    Reader(Arc<Semaphore>, AbortHandle),
    Writer(mpsc::UnboundedSender<StreamOrder>, AbortHandle),
}

/// The streams that are open in a runner, by the number of the call that opened them.
#[derive(Default)]
pub(super) struct RunnerStreams(Mutex<HashMap<u64, Open>>);

impl RunnerStreams {
    pub(super) fn more(&self, id: u64, chunks: u32) {
        if let Some(Open::Reader(credit, _)) = lock(&self.0).get(&id) {
            credit.add_permits(chunks.min(CREDIT) as usize);
        }
    }

    pub(super) fn order(&self, id: u64, order: StreamOrder) {
        if let Some(Open::Writer(orders, _)) = lock(&self.0).get(&id) {
            orders.send(order).ok();
        }
    }

    pub(super) fn close(&self, id: u64) {
        if let Some(Open::Reader(_, task) | Open::Writer(_, task)) = lock(&self.0).remove(&id) {
            task.abort();
        }
    }
}

impl Runner {
    pub(super) async fn open_reader(self: &Arc<Self>, id: u64, mut call: ReceivedCall) -> ToHost {
        let reader = match self.transport.open_reader(call.raw()).await {
            Ok(reader) => reader,
            Err(error) => return ToHost::ReaderOpened(id, Err(error.into())),
        };
        let credit = Arc::new(Semaphore::new(0));
        let task = tokio::spawn(read_on(Arc::clone(self), id, reader, Arc::clone(&credit)));
        let open = Open::Reader(credit, task.abort_handle());
        lock(&self.streams.0).insert(id, open);
        ToHost::ReaderOpened(id, Ok(()))
    }

    pub(super) async fn open_writer(self: &Arc<Self>, id: u64, mut call: ReceivedCall) -> ToHost {
        let opened = match self.transport.open_writer(call.raw()).await {
            Ok(opened) => opened,
            Err(error) => return ToHost::WriterOpened(id, Err(error.into())),
        };
        let offset = opened.offset;
        let (send, orders) = mpsc::unbounded_channel();
        let task = tokio::spawn(write_on(Arc::clone(self), id, opened.writer, orders));
        lock(&self.streams.0).insert(id, Open::Writer(send, task.abort_handle()));
        ToHost::WriterOpened(id, Ok(offset))
    }
}

async fn read_on(
    runner: Arc<Runner>,
    id: u64,
    mut reader: Box<dyn DataReader>,
    credit: Arc<Semaphore>,
) {
    while let Ok(permit) = credit.acquire().await {
        permit.forget();
        let next = reader.next().await;
        let last = !matches!(next, Ok(Some(_)));
        let next = next.map(|chunk| chunk.map(Into::into)).map_err(ErrorFrame::from);
        runner.voice.tell(&ToHost::Next(id, next));
        if last {
            break;
        }
    }
}

async fn write_on(
    runner: Arc<Runner>,
    id: u64,
    mut writer: Box<dyn DataWriter>,
    mut orders: mpsc::UnboundedReceiver<StreamOrder>,
) {
    while let Some(order) = orders.recv().await {
        let word = match order {
            StreamOrder::Write(chunk) => {
                ToHost::Written(id, writer.write(chunk).await.map_err(ErrorFrame::from))
            }
            StreamOrder::Finish => {
                ToHost::Finished(id, writer.finish().await.map_err(ErrorFrame::from))
            }
            StreamOrder::Abort => {
                ToHost::Aborted(id, writer.abort().await.map_err(ErrorFrame::from))
            }
        };
        runner.voice.tell(&word);
    }
}

/// Lets go of a stream in the runner when the host lets go of it here.
struct Held {
    connection: Arc<Connection>,
    ticket: Ticket,
}

impl Drop for Held {
    fn drop(&mut self) {
        // A runner that is gone has let go already.
        self.connection.send(&ToRunner::Close(self.ticket.id())).ok();
    }
}

fn unexpected(word: &ToHost) -> PluginError {
    PluginError::internal(format!("the plugin's process answered out of turn: {word:?}"))
}

/// A reader whose other end is in a runner.
pub(super) struct HostSideReader(Held);

impl HostSideReader {
    pub(super) fn begin(connection: Arc<Connection>, ticket: Ticket) -> PluginResult<Self> {
        let more = ToRunner::More(ticket.id(), CREDIT);
        let held = Held { connection, ticket };
        held.connection.send(&more)?;
        Ok(Self(held))
    }
}

#[async_trait]
impl DataReader for HostSideReader {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        match self.0.ticket.receive().await? {
            ToHost::Next(id, next) => {
                let next = next.map_err(PluginError::from)?.map(Chunk::from);
                if next.is_some() {
                    self.0.connection.send(&ToRunner::More(id, 1))?;
                }
                Ok(next)
            }
            other => Err(unexpected(&other)),
        }
    }
}

/// A writer whose other end is in a runner.
pub(super) struct HostSideWriter {
    held: Held,
    unanswered: u32,
}

impl HostSideWriter {
    pub(super) fn new(connection: Arc<Connection>, ticket: Ticket) -> Self {
        Self { held: Held { connection, ticket }, unanswered: 0 }
    }

    async fn written(&mut self) -> PluginResult<Option<CheckpointToken>> {
        self.unanswered -= 1;
        match self.held.ticket.receive().await? {
            ToHost::Written(_, outcome) => Ok(outcome?),
            other => Err(unexpected(&other)),
        }
    }

    fn send(&self, word: ToRunner) -> PluginResult<()> {
        self.held.connection.send(&word)
    }
}

#[async_trait]
impl DataWriter for HostSideWriter {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        self.send(ToRunner::Write(self.held.ticket.id(), chunk.into()))?;
        self.unanswered += 1;
        let mut token = None;
        while self.unanswered >= CREDIT || (self.unanswered > 0 && self.held.ticket.has_news()) {
            token = self.written().await?.or(token);
        }
        Ok(token)
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        while self.unanswered > 0 {
            self.written().await?;
        }
        self.send(ToRunner::Finish(self.held.ticket.id()))?;
        match self.held.ticket.receive().await? {
            ToHost::Finished(_, outcome) => Ok(outcome?),
            other => Err(unexpected(&other)),
        }
    }

    async fn abort(&mut self) -> PluginResult<()> {
        self.send(ToRunner::Abort(self.held.ticket.id()))?;
        loop {
            match self.held.ticket.receive().await? {
                // Answers to chunks that were on their way no longer matter.
                ToHost::Written(..) => {}
                ToHost::Aborted(_, outcome) => return Ok(outcome?),
                other => return Err(unexpected(&other)),
            }
        }
    }
}
