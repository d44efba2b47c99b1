//! What the host and a runner say to each other, and how it is framed.

use crate::loader::Refusal;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use storage_plugin_api::abi::{LogRecord, RawCall};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CallContext, CheckpointToken, Chunk, PluginError, PluginErrorKind, Retry, WriteResult,
};

/// The largest frame: a chunk, with room for a driver that sends larger ones than usual.
const FRAME_LIMIT: usize = 64 << 20;

/// The library a runner is to load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OpenRequest {
    pub(super) plugin: String,
    pub(super) path: PathBuf,
    pub(super) log_level: u32,
}

/// A call on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CallFrame {
    target: u32,
    method: u32,
    operation_id: [u8; 16],
    attempt: u32,
    window_ms: u64,
    log_target: String,
    store: Bytes,
    body: Bytes,
}

impl From<RawCall<'_>> for CallFrame {
    fn from(call: RawCall<'_>) -> Self {
        Self {
            target: call.target,
            method: call.method,
            operation_id: *call.context.operation_id().as_bytes(),
            attempt: call.context.attempt(),
            window_ms: u64::try_from(call.context.window().as_millis()).unwrap_or(u64::MAX),
            log_target: call.context.log_target().to_owned(),
            store: Bytes::copy_from_slice(call.store),
            body: call.body.into(),
        }
    }
}

/// A call that a runner received, for as long as it runs.
pub(super) struct ReceivedCall {
    pub(super) context: CallContext,
    target: u32,
    method: u32,
    store: Bytes,
    body: Bytes,
}

impl ReceivedCall {
    /// The call itself. It is made once: the request goes with it.
    pub(super) fn raw(&mut self) -> RawCall<'_> {
        RawCall {
            target: self.target,
            method: self.method,
            context: &self.context,
            store: &self.store,
            body: std::mem::take(&mut self.body).into(),
        }
    }
}

impl From<CallFrame> for ReceivedCall {
    fn from(frame: CallFrame) -> Self {
        let context = CallContext::new(Uuid::from_bytes(frame.operation_id))
            .attempt_number(frame.attempt)
            .no_progress_window(Duration::from_millis(frame.window_ms))
            .with_log_target(frame.log_target);
        let (target, method) = (frame.target, frame.method);
        Self { context, target, method, store: frame.store, body: frame.body }
    }
}

/// A [`PluginError`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorFrame {
    kind: PluginErrorKind,
    retry: RetryFrame,
    message: String,
    operation: Option<String>,
    context: Vec<(String, String)>,
    causes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum RetryFrame {
    Never,
    Later(Option<Duration>),
    Exhausted,
}

impl From<PluginError> for ErrorFrame {
    fn from(error: PluginError) -> Self {
        Self {
            kind: error.kind(),
            retry: match error.retry_hint() {
                Retry::Later { after } => RetryFrame::Later(after),
                Retry::Exhausted => RetryFrame::Exhausted,
                _ => RetryFrame::Never,
            },
            message: error.message().to_owned(),
            operation: error.operation().map(str::to_owned),
            context: error.context().to_vec(),
            causes: error.causes().to_vec(),
        }
    }
}

impl From<ErrorFrame> for PluginError {
    fn from(frame: ErrorFrame) -> Self {
        let mut error = PluginError::new(frame.kind, frame.message).retry(match frame.retry {
            RetryFrame::Never => Retry::Never,
            RetryFrame::Later(after) => Retry::Later { after },
            RetryFrame::Exhausted => Retry::Exhausted,
        });
        if let Some(operation) = &frame.operation {
            error = error.in_operation(operation);
        }
        for (key, value) in frame.context {
            error = error.with(key, value);
        }
        for cause in frame.causes {
            error = error.caused_by_text(cause);
        }
        error
    }
}

/// A [`Chunk`] on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ChunkFrame {
    Data(u64, Bytes),
    Hole(u64, u64),
}

impl From<Chunk> for ChunkFrame {
    fn from(chunk: Chunk) -> Self {
        match chunk {
            Chunk::Data { offset, bytes } => Self::Data(offset, bytes),
            Chunk::Hole { offset, length } => Self::Hole(offset, length),
        }
    }
}

impl From<ChunkFrame> for Chunk {
    fn from(frame: ChunkFrame) -> Self {
        match frame {
            ChunkFrame::Data(offset, bytes) => Self::Data { offset, bytes },
            ChunkFrame::Hole(offset, length) => Self::Hole { offset, length },
        }
    }
}

/// An outcome on its way.
pub(super) type Outcome<T> = Result<T, ErrorFrame>;

/// From the host. A stream bears the number of the call that opened it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToRunner {
    Open(OpenRequest),
    Call(u64, CallFrame),
    OpenReader(u64, CallFrame),
    OpenWriter(u64, CallFrame),
    Cancel(u64),
    /// The reader may send so many chunks more.
    More(u64, u32),
    Write(u64, ChunkFrame),
    Finish(u64),
    Abort(u64),
    /// The host let go of a stream.
    Close(u64),
    HostAnswer(u64, Outcome<Bytes>),
    Ping,
}

/// From a runner.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToHost {
    Opened(Result<(), Refusal>),
    Answer(u64, Outcome<Bytes>),
    ReaderOpened(u64, Outcome<()>),
    /// Where the writer begins.
    WriterOpened(u64, Outcome<u64>),
    Next(u64, Outcome<Option<ChunkFrame>>),
    Written(u64, Outcome<Option<CheckpointToken>>),
    Finished(u64, Outcome<WriteResult>),
    Aborted(u64, Outcome<()>),
    HostCall(u64, u32, Bytes),
    Log(LogRecord),
    Progress(u64, u64, Option<u64>),
    Pong,
}

impl ToHost {
    /// The call or stream it is about.
    pub(super) const fn about(&self) -> Option<u64> {
        match self {
            Self::Answer(id, _)
            | Self::ReaderOpened(id, _)
            | Self::WriterOpened(id, _)
            | Self::Next(id, _)
            | Self::Written(id, _)
            | Self::Finished(id, _)
            | Self::Aborted(id, _) => Some(*id),
            _ => None,
        }
    }
}

fn broken(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("broken frame: {what}"))
}

/// A frame as bytes: its length, then itself.
pub(super) fn pack<T: Serialize>(frame: &T) -> io::Result<Vec<u8>> {
    let packed = postcard::to_extend(frame, vec![0; 4]).map_err(broken)?;
    pack_length(packed)
}

fn pack_length(mut packed: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = packed.len() - 4;
    if length > FRAME_LIMIT {
        return Err(broken(format!("{length} bytes are more than {FRAME_LIMIT}")));
    }
    packed[..4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(packed)
}

/// The length that a header announces.
pub(super) fn length_of(header: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(header) as usize;
    if length > FRAME_LIMIT {
        return Err(broken(format!("{length} bytes are more than {FRAME_LIMIT}")));
    }
    Ok(length)
}

/// A frame from its bytes, the length left out.
pub(super) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(broken)
}

/// Reads a frame from a blocking stream; `None` at its end.
pub(super) fn read_frame<T: DeserializeOwned>(from: &mut impl io::Read) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match from.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = vec![0; length_of(header)?];
    from.read_exact(&mut bytes)?;
    unpack(&bytes).map(Some)
}
