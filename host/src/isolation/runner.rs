//! The runner: the child process that holds an isolated plugin.
//!
//! A few threads take turns in reading the socket. Whoever reads a call runs it on the spot, if
//! another thread is there to read on, and saves a thread switch by that; what does not finish at
//! once, and all calls that the last thread reads, go to a small runtime. So one thread always
//! reads, and cancelling and pinging work whatever the plugin does. This process belongs to the
//! plugin: what blocks here blocks only the plugin.

use super::frames::{ErrorFrame, OpenRequest, ReceivedCall, ToHost, ToRunner, pack, read_frame};
use super::streams::{RunnerStreams, StreamOrder};
use super::turns::Turns;
use crate::loader::child::socket_of_child;
use crate::loader::open::open_library;
use crate::loader::{Refusal, RefusalCode};
use bytes::Bytes;
use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;
use storage_plugin_api::abi::{
    BoxFuture, FfiTransport, HostTransport, LogRecord, OpenOptions, Transport,
};
use storage_plugin_api::{CallContext, PluginError, PluginResult};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

/// Threads that poll calls. More than cores, because a vendor's code may block on some.
const WORKERS: usize = 4;
/// Threads that take turns in reading.
const READERS: usize = 4;
/// How often the progress of running calls is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runner's end of the socket, for writing.
#[derive(Clone)]
pub(super) struct Voice(Arc<Mutex<UnixStream>>);

impl Voice {
    /// Tells the host something. When the host is gone this process ends by itself.
    pub(super) fn tell(&self, word: &ToHost) {
        match pack(word) {
            Ok(frame) => {
                lock(&self.0).write_all(&frame).ok();
            }
            Err(error) => {
                if let Some(id) = word.about() {
                    let error = PluginError::internal(format!("cannot send an answer: {error}"));
                    self.tell(&ToHost::Answer(id, Err(error.into())));
                }
            }
        }
    }
}

/// The host, as the library in this process sees it.
struct RunnerHost {
    voice: Voice,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<PluginResult<Bytes>>>>,
}

impl HostTransport for RunnerHost {
    fn call(&self, method: u32, body: Bytes) -> BoxFuture<'static, PluginResult<Bytes>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = oneshot::channel();
        lock(&self.waiting).insert(id, send);
        self.voice.tell(&ToHost::HostCall(id, method, body));
        Box::pin(async move {
            receive.await.unwrap_or_else(|_| Err(PluginError::unavailable("the host is gone")))
        })
    }

    fn log(&self, record: LogRecord) {
        self.voice.tell(&ToHost::Log(record));
    }
}

/// Answers a call even when its task is aborted.
struct Answer {
    id: u64,
    runner: Arc<Runner>,
    given: bool,
}

impl Answer {
    fn give(mut self, word: &ToHost) {
        self.given = true;
        self.runner.forget(self.id);
        self.runner.voice.tell(word);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.given {
            self.runner.forget(self.id);
            let error = PluginError::cancelled("the call was cancelled");
            self.runner.voice.tell(&ToHost::Answer(self.id, Err(error.into())));
        }
    }
}

struct RunningCall {
    /// `None` while a reading thread runs it on the spot.
    task: Option<AbortHandle>,
    context: CallContext,
    reports_told: u64,
}

pub(super) struct Runner {
    pub(super) transport: FfiTransport,
    pub(super) voice: Voice,
    host: Arc<RunnerHost>,
    calls: Mutex<HashMap<u64, RunningCall>>,
    calls_began: Notify,
    pub(super) streams: RunnerStreams,
    pub(super) runtime: Runtime,
}

impl Runner {
    fn forget(&self, id: u64) {
        lock(&self.calls).remove(&id);
    }

    /// Makes a call known, so that it can be cancelled by its number.
    pub(super) fn register(&self, id: u64, context: &CallContext) {
        let call = RunningCall { task: None, context: context.clone(), reports_told: 0 };
        lock(&self.calls).insert(id, call);
        self.calls_began.notify_one();
    }

    /// Runs a registered call as a task.
    fn spawn(&self, id: u64, task: impl Future<Output = ()> + Send + 'static) {
        let mut calls = lock(&self.calls);
        // The task cannot forget the call before its handle is here: it needs the same lock.
        match calls.get_mut(&id) {
            Some(call) if !call.context.is_cancelled() => {
                call.task = Some(self.runtime.spawn(task).abort_handle());
            }
            _ => {
                drop(calls);
                // Cancelled meanwhile: dropping it tells the host.
                drop(task);
            }
        }
    }

    /// What a call does: asks, answers.
    fn answering<F, A>(self: &Arc<Self>, id: u64, call: ReceivedCall, answer: F) -> Task
    where
        F: FnOnce(Arc<Self>, ReceivedCall) -> A + Send + 'static,
        A: Future<Output = ToHost> + Send + 'static,
    {
        let runner = Arc::clone(self);
        Box::pin(async move {
            let unanswered = Answer { id, runner: Arc::clone(&runner), given: false };
            let word = answer(runner, call).await;
            unanswered.give(&word);
        })
    }

    fn run<F, A>(self: &Arc<Self>, id: u64, call: ReceivedCall, answer: F)
    where
        F: FnOnce(Arc<Self>, ReceivedCall) -> A + Send + 'static,
        A: Future<Output = ToHost> + Send + 'static,
    {
        self.register(id, &call.context);
        self.spawn(id, self.answering(id, call, answer));
    }

    /// Runs a registered call on this thread as far as it goes without waiting.
    pub(super) fn run_on_the_spot(self: &Arc<Self>, id: u64, call: ReceivedCall) {
        let mut task = self.answering(id, call, move |runner, call| runner.answer(id, call));
        let mut context = Context::from_waker(Waker::noop());
        if task.as_mut().poll(&mut context).is_pending() {
            // Polled again as a task, with a waker that wakes.
            self.spawn(id, task);
        }
    }

    async fn answer(self: Arc<Self>, id: u64, mut call: ReceivedCall) -> ToHost {
        let answer = self.transport.call(call.raw()).await;
        ToHost::Answer(id, answer.map(Bytes::from).map_err(ErrorFrame::from))
    }

    pub(super) fn obey(self: &Arc<Self>, word: ToRunner) {
        match word {
            ToRunner::Call(id, call) => {
                self.run(id, call.into(), move |runner, call| runner.answer(id, call));
            }
            ToRunner::OpenReader(id, call) => {
                self.run(id, call.into(), move |runner, call| async move {
                    runner.open_reader(id, call).await
                });
            }
            ToRunner::OpenWriter(id, call) => {
                self.run(id, call.into(), move |runner, call| async move {
                    runner.open_writer(id, call).await
                });
            }
            ToRunner::Cancel(id) => {
                if let Some(call) = lock(&self.calls).get(&id) {
                    call.context.cancel();
                    if let Some(task) = &call.task {
                        task.abort();
                    }
                }
            }
            ToRunner::More(id, chunks) => self.streams.more(id, chunks),
            ToRunner::Write(id, chunk) => self.streams.order(id, StreamOrder::Write(chunk.into())),
            ToRunner::Finish(id) => self.streams.order(id, StreamOrder::Finish),
            ToRunner::Abort(id) => self.streams.order(id, StreamOrder::Abort),
            ToRunner::Close(id) => self.streams.close(id),
            ToRunner::HostAnswer(id, outcome) => {
                if let Some(waiting) = lock(&self.host.waiting).remove(&id) {
                    waiting.send(outcome.map_err(PluginError::from)).ok();
                }
            }
            ToRunner::Ping => self.voice.tell(&ToHost::Pong),
            ToRunner::Open(_) => {}
        }
    }

    /// Tells how far the running calls have come, as long as there are some.
    async fn tell_progress(self: Arc<Self>) {
        loop {
            if lock(&self.calls).is_empty() {
                self.calls_began.notified().await;
            }
            tokio::time::sleep(PROGRESS_EVERY).await;
            let mut news = Vec::new();
            for (id, call) in lock(&self.calls).iter_mut() {
                let progress = call.context.progress();
                if progress.reports != call.reports_told {
                    call.reports_told = progress.reports;
                    news.push(ToHost::Progress(*id, progress.done_bytes, progress.total_bytes));
                }
            }
            news.iter().for_each(|word| self.voice.tell(word));
        }
    }
}

/// The child's side: serves one plugin until the host closes the socket.
///
/// # Errors
/// When it was not started as a runner, or the socket breaks.
pub fn run_child() -> anyhow::Result<()> {
    let socket = socket_of_child()?;
    let mut read = BufReader::with_capacity(256 << 10, socket.try_clone()?);
    let voice = Voice(Arc::new(Mutex::new(socket)));
    let Some(ToRunner::Open(request)) = read_frame(&mut read)? else {
        anyhow::bail!("the host did not say which library to load");
    };
    let runner = match open(&request, &voice) {
        Ok(runner) => runner,
        Err(refusal) => {
            voice.tell(&ToHost::Opened(Err(refusal)));
            return Ok(());
        }
    };
    voice.tell(&ToHost::Opened(Ok(())));
    runner.runtime.spawn(Arc::clone(&runner).tell_progress());
    let socket = Arc::new(Turns::new(read));
    let (ended, wait) = std::sync::mpsc::channel();
    for _ in 0..READERS {
        let (runner, socket, ended) = (Arc::clone(&runner), Arc::clone(&socket), ended.clone());
        let reader = std::thread::Builder::new().name("runner-reader".to_owned());
        // Whoever is told first ends the process; the others have nobody to tell.
        reader.spawn(move || ended.send(socket.serve(&runner)).ok())?;
    }
    let outcome = wait.recv()?;
    runner.transport.shut_down();
    Ok(outcome?)
}

fn open(request: &OpenRequest, voice: &Voice) -> Result<Arc<Runner>, Refusal> {
    let failed = |why: String| {
        Refusal::new(
            RefusalCode::PanickedWhileLoading,
            format!("cannot load plugin {:?} into its process", request.plugin),
            why,
            "the log shows where; tell the plugin's vendor",
        )
    };
    let root = open_library(&request.path)?;
    let host = Arc::new(RunnerHost {
        voice: voice.clone(),
        next: AtomicU64::new(1),
        waiting: Mutex::new(HashMap::new()),
    });
    let mut options = OpenOptions::new(&request.plugin, log::LevelFilter::Info, true);
    options.log_level = request.log_level;
    let transport =
        FfiTransport::open_raw(root, Arc::<RunnerHost>::clone(&host), options, |_services| {})
            .map_err(|error| failed(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("runner")
        .enable_time()
        .build()
        .map_err(|error| failed(format!("cannot start its threads: {error}")))?;
    Ok(Arc::new(Runner {
        transport,
        voice: voice.clone(),
        host,
        calls: Mutex::new(HashMap::new()),
        calls_began: Notify::new(),
        streams: RunnerStreams::default(),
        runtime,
    }))
}
