//! The host's end of one running runner process.

use super::frames::{OpenRequest, ToHost, ToRunner, length_of, pack, unpack};
use super::stderr::log_stderr;
use crate::loader::child::{self, ended};
use crate::loader::{Refusal, RefusalCode};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::abi::{
    HostDispatcher, HostTransport, REGISTER_DRIVER, RawCall, method_name,
};
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

/// How often the runner is looked after.
const TICK: Duration = Duration::from_secs(1);
/// Ticks without a word from the runner before it counts as dead. It answers pings whatever the
/// plugin does, so only a stopped process, or a machine on its knees, is silent that long.
const SILENT_TICKS: u32 = 15;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call or stream that waits for words of the runner.
struct Slot {
    words: mpsc::UnboundedSender<ToHost>,
    context: CallContext,
    method: u32,
    /// Set when the caller gave up: the runner gets a while to end it.
    cancelled_at: Option<Instant>,
}

/// Frames that the socket did not take at once.
#[derive(Default)]
struct Backlog {
    bytes: VecDeque<Vec<u8>>,
    /// How much of the first is sent.
    sent: usize,
}

/// A runner that is up.
pub(super) struct Connection {
    write: OwnedWriteHalf,
    backlog: Mutex<Backlog>,
    backlog_grew: Notify,
    next: AtomicU64,
    slots: Mutex<HashMap<u64, Slot>>,
    end: watch::Sender<Option<String>>,
    /// Whether the runner said anything since the last tick.
    heard: AtomicBool,
    pub(super) pid: Option<u32>,
    cancel_grace: Duration,
    /// Its plugin was configured in a process before this one: what it registers is known.
    is_repeated: bool,
}

impl Connection {
    /// Starts a runner and has it load the library.
    pub(super) async fn start(
        executable: &Path,
        request: OpenRequest,
        host: Arc<HostDispatcher>,
        load_timeout: Duration,
        cancel_grace: Duration,
        is_repeated: bool,
    ) -> Result<Arc<Self>, Refusal> {
        let no_process = |error: io::Error| {
            refused(
                &request.plugin,
                RefusalCode::LoaderError,
                format!("no process could be started for it: {error}"),
                "see whether the system's limit of processes or open files is reached",
            )
        };
        // Without a log (the command line, a vendor's own run) it is shown as it comes.
        let has_log = log::max_level() > log::LevelFilter::Off;
        let stderr = if has_log { Stdio::piped() } else { Stdio::inherit() };
        let (mut process, socket) =
            child::spawn(executable, child::RUNNER, stderr).map_err(no_process)?;
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(log_stderr(request.plugin.clone(), stderr));
        }
        socket.set_nonblocking(true).map_err(no_process)?;
        let (read, write) = UnixStream::from_std(socket).map_err(no_process)?.into_split();
        let connection = Arc::new(Self {
            write,
            backlog: Mutex::default(),
            backlog_grew: Notify::new(),
            next: AtomicU64::new(1),
            slots: Mutex::default(),
            end: watch::Sender::new(None),
            heard: AtomicBool::new(true),
            pid: process.id(),
            cancel_grace,
            is_repeated,
        });
        let plugin = request.plugin.clone();
        tokio::spawn(Arc::clone(&connection).write_backlog());
        connection.send(&ToRunner::Open(request)).ok();
        let (opened, wait_opened) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(listen(Arc::clone(&connection), read, host, opened));
        tokio::spawn(look_after(Arc::clone(&connection), process, listening));
        match tokio::time::timeout(load_timeout, wait_opened).await {
            Ok(Ok(Ok(()))) => Ok(connection),
            Ok(Ok(Err(refusal))) => Err(refusal),
            Ok(Err(_)) => Err(refused(
                &plugin,
                RefusalCode::CrashedWhileLoading,
                format!("its process {}", connection.ended().await),
                "tell the plugin's vendor",
            )),
            Err(_) => {
                connection.kill("it did not load in time");
                Err(refused(
                    &plugin,
                    RefusalCode::HungWhileLoading,
                    format!("it did not load within {load_timeout:?}; its process was killed"),
                    "tell the plugin's vendor, or raise probe_timeout in plugins.toml",
                ))
            }
        }
    }

    /// Sends a word. Never waits, so it can be neither cancelled half-way nor deadlock; what the
    /// socket does not take is sent by a task. Streams bound how much that can be.
    pub(super) fn send(&self, word: &ToRunner) -> PluginResult<()> {
        if self.end.borrow().is_some() {
            return Err(self.gone());
        }
        let frame = pack(word)
            .map_err(|error| PluginError::invalid_argument(format!("cannot send: {error}")))?;
        let mut backlog = lock(&self.backlog);
        let sent =
            if backlog.bytes.is_empty() { self.write.try_write(&frame).unwrap_or(0) } else { 0 };
        if sent < frame.len() {
            if backlog.bytes.is_empty() {
                backlog.sent = sent;
            }
            backlog.bytes.push_back(frame);
            drop(backlog);
            self.backlog_grew.notify_one();
        }
        Ok(())
    }

    async fn write_backlog(self: Arc<Self>) {
        let mut end = self.end.subscribe();
        loop {
            tokio::select! {
                () = self.backlog_grew.notified() => {}
                _ = end.wait_for(Option::is_some) => return,
            }
            while !lock(&self.backlog).bytes.is_empty() {
                tokio::select! {
                    ready = self.write.writable() => if ready.is_err() { return },
                    _ = end.wait_for(Option::is_some) => return,
                }
                self.write_some();
            }
        }
    }

    fn write_some(&self) {
        let mut backlog = lock(&self.backlog);
        while let Some(frame) = backlog.bytes.front() {
            let Ok(sent) = self.write.try_write(&frame[backlog.sent..]) else {
                return;
            };
            backlog.sent += sent;
            if backlog.sent == backlog.bytes.front().map_or(0, Vec::len) {
                backlog.bytes.pop_front();
                backlog.sent = 0;
            }
        }
    }

    /// Sends a call; its answer, and every word of the stream it opens, comes to the ticket.
    pub(super) fn begin(
        self: &Arc<Self>,
        call: RawCall<'_>,
        word: fn(u64, super::frames::CallFrame) -> ToRunner,
    ) -> PluginResult<Ticket> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (words, receive) = mpsc::unbounded_channel();
        let slot =
            Slot { words, context: call.context.clone(), method: call.method, cancelled_at: None };
        lock(&self.slots).insert(id, slot);
        let ticket = Ticket { id, connection: Arc::clone(self), receive, heard: false };
        self.send(&word(id, call.into()))?;
        Ok(ticket)
    }

    /// The error of everything that waits when the process ends.
    fn gone(&self) -> PluginError {
        let how = self.end.borrow().clone().unwrap_or_else(|| "is ending".to_owned());
        PluginError::unavailable(format!("the plugin's process {how}"))
    }

    /// Whether the process serves, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        self.end.borrow().is_none()
    }

    /// Waits for the end of the process and says how it ended.
    pub(super) async fn ended(&self) -> String {
        let mut end = self.end.subscribe();
        match end.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Kills the process; everything that waits learns why.
    pub(super) fn kill(&self, why: &str) {
        self.finish(format!("was killed: {why}"));
    }

    fn finish(&self, how: String) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(how);
            }
            first
        });
        // Dropping the senders wakes every ticket.
        lock(&self.slots).clear();
    }

    fn hear(self: &Arc<Self>, word: ToHost, host: &Arc<HostDispatcher>) {
        match word {
            ToHost::HostCall(id, REGISTER_DRIVER, _) if self.is_repeated => {
                self.send(&ToRunner::HostAnswer(id, Ok(Bytes::new()))).ok();
            }
            ToHost::HostCall(id, method, body) => {
                let (connection, answer) = (Arc::clone(self), host.call(method, body));
                tokio::spawn(async move {
                    let outcome = answer.await.map_err(Into::into);
                    connection.send(&ToRunner::HostAnswer(id, outcome)).ok();
                });
            }
            ToHost::Log(record) => host.log(record),
            ToHost::Progress(id, done, total) => {
                if let Some(slot) = lock(&self.slots).get(&id) {
                    slot.context.report_progress(done, total);
                }
            }
            ToHost::Opened(_) | ToHost::Pong => {}
            word => {
                let Some(id) = word.about() else { return };
                let mut slots = lock(&self.slots);
                match slots.get(&id) {
                    Some(slot) if slot.cancelled_at.is_some() => {
                        slots.remove(&id);
                    }
                    Some(slot) => {
                        slot.words.send(word).ok();
                    }
                    None => {}
                }
            }
        }
    }

    /// A call that does not end after it was cancelled, if there is one.
    fn overdue(&self) -> Option<&'static str> {
        lock(&self.slots)
            .values()
            .find(|slot| slot.cancelled_at.is_some_and(|at| at.elapsed() > self.cancel_grace))
            .map(|slot| method_name(slot.method))
    }
}

fn refused(plugin: &str, code: RefusalCode, why: String, way_out: &str) -> Refusal {
    Refusal::new(code, format!("cannot load plugin {plugin:?} into its process"), why, way_out)
}

type Opened = tokio::sync::oneshot::Sender<Result<(), Refusal>>;

/// Reads the runner's words and acts on them at once, until the socket ends or breaks. In a task of
/// its own: a read must not be cancelled half-way.
async fn listen(
    connection: Arc<Connection>,
    read: OwnedReadHalf,
    host: Arc<HostDispatcher>,
    opened: Opened,
) {
    let mut opened = Some(opened);
    let mut read = BufReader::with_capacity(256 << 10, read);
    while let Ok(word) = read_word(&mut read).await {
        connection.heard.store(true, Ordering::Relaxed);
        match word {
            ToHost::Opened(outcome) => {
                if let Some(opened) = opened.take() {
                    opened.send(outcome).ok();
                }
            }
            word => connection.hear(word, &host),
        }
    }
}

async fn read_word(read: &mut BufReader<OwnedReadHalf>) -> io::Result<ToHost> {
    let mut header = [0; 4];
    read.read_exact(&mut header).await?;
    let mut bytes = vec![0; length_of(header)?];
    read.read_exact(&mut bytes).await?;
    unpack(&bytes)
}

/// Looks after one process until it ends, or until somebody ends it.
async fn look_after(connection: Arc<Connection>, mut process: Child, listening: JoinHandle<()>) {
    let mut listening = listening;
    let mut tick = tokio::time::interval(TICK);
    let mut silent = 0;
    let mut end = connection.end.subscribe();
    loop {
        tokio::select! {
            _ = &mut listening => break,
            _ = tick.tick() => {
                let heard = connection.heard.swap(false, Ordering::Relaxed);
                silent = if heard { 0 } else { silent + 1 };
                connection.send(&ToRunner::Ping).ok();
                if silent > SILENT_TICKS {
                    connection.kill("it was silent for too long");
                } else if let Some(method) = connection.overdue() {
                    connection.kill(&format!(
                        "{method} did not end within {:?} after it was cancelled",
                        connection.cancel_grace
                    ));
                }
            }
            _ = end.wait_for(Option::is_some) => break,
        }
    }
    if connection.end.borrow().is_some() {
        // Whoever ended it has said why.
        process.kill().await.ok();
        return;
    }
    // The socket closed: it has ended, or it sent what is no frame and is ended now.
    let how = match tokio::time::timeout(TICK, process.wait()).await {
        Ok(Ok(status)) => ended(status),
        _ => {
            process.kill().await.ok();
            "was killed: its socket closed, or sent what is no frame".to_owned()
        }
    };
    connection.finish(how);
}

/// A call or stream under way. Dropping it before its answer cancels the call.
pub(super) struct Ticket {
    id: u64,
    connection: Arc<Connection>,
    receive: mpsc::UnboundedReceiver<ToHost>,
    heard: bool,
}

impl Ticket {
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// The next word about it.
    pub(super) async fn receive(&mut self) -> PluginResult<ToHost> {
        match self.receive.recv().await {
            Some(word) => {
                self.heard = true;
                Ok(word)
            }
            None => {
                self.heard = true;
                Err(self.connection.gone())
            }
        }
    }

    /// Whether a word is there already.
    pub(super) fn has_news(&self) -> bool {
        !self.receive.is_empty()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut slots = lock(&self.connection.slots);
        if self.heard {
            slots.remove(&self.id);
            return;
        }
        if let Some(slot) = slots.get_mut(&self.id) {
            slot.cancelled_at = Some(Instant::now());
            slot.context.cancel();
            drop(slots);
            self.connection.send(&ToRunner::Cancel(self.id)).ok();
        }
    }
}
