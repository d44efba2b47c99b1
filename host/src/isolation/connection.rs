//! The host's end of one running runner process.

use super::frames::{OpenRequest, ToHost, ToRunner, length_of, pack, unpack};
use crate::loader::child::{self, ended};
use crate::loader::{Refusal, RefusalCode};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::abi::{HostDispatcher, HostTransport, RawCall, method_name};
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{Notify, mpsc, watch};

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
    pub(super) pid: Option<u32>,
    cancel_grace: Duration,
}

impl Connection {
    /// Starts a runner and has it load the library.
    pub(super) async fn start(
        executable: &Path,
        request: OpenRequest,
        host: Arc<HostDispatcher>,
        load_timeout: Duration,
        cancel_grace: Duration,
    ) -> Result<Arc<Self>, Refusal> {
        let no_process = |error: io::Error| {
            refused(
                &request.plugin,
                RefusalCode::LoaderError,
                format!("no process could be started for it: {error}"),
                "see whether the system's limit of processes or open files is reached",
            )
        };
        let (process, socket) =
            child::spawn(executable, child::RUNNER, Stdio::inherit()).map_err(no_process)?;
        socket.set_nonblocking(true).map_err(no_process)?;
        let (read, write) = UnixStream::from_std(socket)
            .map_err(no_process)?
            .into_split();
        let connection = Arc::new(Self {
            write,
            backlog: Mutex::default(),
            backlog_grew: Notify::new(),
            next: AtomicU64::new(1),
            slots: Mutex::default(),
            end: watch::Sender::new(None),
            pid: process.id(),
            cancel_grace,
        });
        let plugin = request.plugin.clone();
        tokio::spawn(Arc::clone(&connection).write_backlog());
        connection.send(&ToRunner::Open(request)).ok();
        let (opened, wait_opened) = tokio::sync::oneshot::channel();
        let mut monitor = Monitor {
            connection: Arc::clone(&connection),
            process,
            host,
        };
        tokio::spawn(async move { monitor.run(read, opened).await });
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
        let sent = if backlog.bytes.is_empty() {
            self.write.try_write(&frame).unwrap_or(0)
        } else {
            0
        };
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
        call: RawCall,
        word: fn(u64, super::frames::CallFrame) -> ToRunner,
    ) -> PluginResult<Ticket> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (words, receive) = mpsc::unbounded_channel();
        let slot = Slot {
            words,
            context: call.context.clone(),
            method: call.method,
            cancelled_at: None,
        };
        lock(&self.slots).insert(id, slot);
        let ticket = Ticket {
            id,
            connection: Arc::clone(self),
            receive,
            heard: false,
        };
        self.send(&word(id, call.into()))?;
        Ok(ticket)
    }

    /// The error of everything that waits when the process ends.
    fn gone(&self) -> PluginError {
        let how = self
            .end
            .borrow()
            .clone()
            .unwrap_or_else(|| "is ending".to_owned());
        PluginError::unavailable(format!(
            "the plugin's process {how}; it is being started again"
        ))
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
            .find(|slot| {
                slot.cancelled_at
                    .is_some_and(|at| at.elapsed() > self.cancel_grace)
            })
            .map(|slot| method_name(slot.method))
    }
}

fn refused(plugin: &str, code: RefusalCode, why: String, way_out: &str) -> Refusal {
    Refusal::new(
        code,
        format!("cannot load plugin {plugin:?} into its process"),
        why,
        way_out,
    )
}

/// Looks after one process until it ends.
struct Monitor {
    connection: Arc<Connection>,
    process: Child,
    host: Arc<HostDispatcher>,
}

type Opened = tokio::sync::oneshot::Sender<Result<(), Refusal>>;

impl Monitor {
    async fn run(&mut self, read: OwnedReadHalf, opened: Opened) {
        let mut opened = Some(opened);
        let mut words = spawn_reader(read);
        let mut tick = tokio::time::interval(TICK);
        let mut silent = 0;
        let mut end = self.connection.end.subscribe();
        loop {
            tokio::select! {
                word = words.recv() => match word {
                    Some(ToHost::Opened(outcome)) => {
                        if let Some(opened) = opened.take() {
                            opened.send(outcome).ok();
                        }
                    }
                    Some(word) => {
                        silent = 0;
                        self.connection.hear(word, &self.host);
                    }
                    None => break,
                },
                _ = tick.tick() => {
                    silent += 1;
                    self.connection.send(&ToRunner::Ping).ok();
                    if silent > SILENT_TICKS {
                        self.connection.kill("it was silent for too long");
                    } else if let Some(method) = self.connection.overdue() {
                        self.connection.kill(&format!(
                            "{method} did not end within {:?} after it was cancelled",
                            self.connection.cancel_grace
                        ));
                    }
                }
                _ = end.wait_for(Option::is_some) => break,
            }
        }
        // Broken frames and our own verdicts end it as well.
        let how = match tokio::time::timeout(TICK, self.process.wait()).await {
            Ok(Ok(status)) => ended(status),
            _ => {
                self.process.kill().await.ok();
                "was killed: its socket closed, or sent what is no frame".to_owned()
            }
        };
        self.connection.finish(how);
    }
}

/// Reads frames in a task of its own: a read must not be cancelled half-way.
fn spawn_reader(read: OwnedReadHalf) -> mpsc::Receiver<ToHost> {
    let (send, receive) = mpsc::channel(256);
    tokio::spawn(async move {
        let mut read = BufReader::with_capacity(256 << 10, read);
        while let Ok(word) = read_word(&mut read).await {
            if send.send(word).await.is_err() {
                return;
            }
        }
    });
    receive
}

async fn read_word(read: &mut BufReader<OwnedReadHalf>) -> io::Result<ToHost> {
    let mut header = [0; 4];
    read.read_exact(&mut header).await?;
    let mut bytes = vec![0; length_of(header)?];
    read.read_exact(&mut bytes).await?;
    unpack(&bytes)
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
