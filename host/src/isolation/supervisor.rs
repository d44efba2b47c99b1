//! Keeps a runner up: starts it again when it ends, slower each time, and configures it anew.

use super::connection::Connection;
use super::frames::{OpenRequest, ToHost, ToRunner};
use super::streams::{HostSideReader, HostSideWriter};
use crate::loader::Refusal;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::abi::{
    Answering, BoxFuture, CONFIGURE, FfiBytes, HostDispatcher, RawCall, Target, Transport,
};
use storage_plugin_api::{
    CallContext, DataReader, HostServices, OpenedWriter, PluginError, PluginResult, Retry,
};
use tokio::sync::watch;

/// The first pause before a restart; doubled each time up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many ends within [`CRASH_PERIOD`] and the plugin is tried only at the longest pause.
const CRASHES: usize = 5;
const CRASH_PERIOD: Duration = Duration::from_secs(300);

/// What a runner is started with.
#[derive(Debug, Clone)]
pub struct RunnerSpec {
    /// The executable to start: the host's own.
    pub executable: PathBuf,
    /// The name of the plugin's row.
    pub plugin: String,
    /// The library.
    pub path: PathBuf,
    /// The most detailed level that the plugin logs.
    pub log_level: log::LevelFilter,
    /// How long the library may take to load.
    pub load_timeout: Duration,
    /// How long a cancelled call may take to end before the process is killed.
    pub cancel_grace: Duration,
}

/// Whether a runner is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunnerState {
    /// It serves.
    Up,
    /// It is being started again.
    Restarting,
    /// It ended so often that it is tried rarely.
    Crashing,
}

/// How a runner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerStatus {
    /// Whether it is up.
    pub state: RunnerState,
    /// Its process id, while it is up.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u64,
    /// How it ended the last time.
    pub last_end: Option<String>,
}

#[derive(Clone)]
enum Phase {
    Up(Arc<Connection>),
    Down { retry_at: Instant, crashing: bool },
}

#[derive(Default)]
struct History {
    restarts: u64,
    last_end: Option<String>,
    ends: VecDeque<Instant>,
}

/// A call of configure: its context, and the settings as they were encoded.
#[derive(Clone)]
struct Configure {
    context: CallContext,
    body: Vec<u8>,
}

impl Configure {
    fn raw(&self) -> RawCall<'_> {
        RawCall {
            target: Target::PROVIDER,
            method: CONFIGURE,
            context: &self.context,
            store: &[],
            body: self.body.clone(),
        }
    }
}

/// An isolated plugin, whether its process is up just now or not.
pub struct Supervisor {
    spec: RunnerSpec,
    host: Arc<HostDispatcher>,
    phase: watch::Sender<Phase>,
    history: Mutex<History>,
    /// The successful configure call, to be repeated after each restart.
    configured: Mutex<Option<Configure>>,
}

impl Supervisor {
    /// Starts the plugin's process and loads the library in it.
    ///
    /// # Errors
    /// Why the library cannot be loaded.
    pub async fn start(spec: RunnerSpec, host: Arc<HostDispatcher>) -> Result<Arc<Self>, Refusal> {
        let connection = connect(&spec, &host, false).await?;
        let supervisor = Arc::new(Self {
            spec,
            host,
            phase: watch::Sender::new(Phase::Up(connection)),
            history: Mutex::default(),
            configured: Mutex::new(None),
        });
        // The task lives as long as somebody holds the supervisor.
        tokio::spawn(supervise(Arc::downgrade(&supervisor)));
        Ok(supervisor)
    }

    /// How the process stands.
    pub fn status(&self) -> RunnerStatus {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, pid) = match &*self.phase.borrow() {
            Phase::Up(connection) if connection.is_up() => (RunnerState::Up, connection.pid),
            Phase::Down { crashing: true, .. } => (RunnerState::Crashing, None),
            // Of a process that ended just now the end is not noted yet.
            Phase::Up(_) | Phase::Down { crashing: false, .. } => (RunnerState::Restarting, None),
        };
        RunnerStatus { state, pid, restarts: history.restarts, last_end: history.last_end.clone() }
    }

    /// Waits until the process is up.
    pub async fn up(&self) {
        let is_up = |phase: &Phase| matches!(phase, Phase::Up(connection) if connection.is_up());
        self.phase.subscribe().wait_for(is_up).await.ok();
    }

    /// Kills the process, for a reason that those who wait for it are told; it is started again.
    pub fn kill(&self, why: &str) {
        if let Phase::Up(connection) = &*self.phase.borrow() {
            connection.kill(why);
        }
    }

    fn connection(&self) -> PluginResult<Arc<Connection>> {
        match &*self.phase.borrow() {
            Phase::Up(connection) => Ok(Arc::clone(connection)),
            Phase::Down { retry_at, .. } => {
                let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
                let how = history.last_end.as_deref().unwrap_or("ended");
                let after = retry_at.saturating_duration_since(Instant::now());
                Err(PluginError::unavailable(format!(
                    "the plugin's process {how}; it is being started again"
                ))
                .retry(Retry::Later { after: Some(after) }))
            }
        }
    }

    /// Notes an end and says when to try again.
    fn note_end(&self, how: &str) -> Phase {
        log::error!(plugin = self.spec.plugin.as_str(); "the plugin's process {how}");
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.last_end = Some(how.to_owned());
        let now = Instant::now();
        history.ends.retain(|end| now.duration_since(*end) < CRASH_PERIOD);
        history.ends.push_back(now);
        let crashing = history.ends.len() >= CRASHES;
        let doublings = u32::try_from(history.ends.len() - 1).unwrap_or(u32::MAX);
        let pause = if crashing {
            LONGEST_PAUSE
        } else {
            FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
        };
        Phase::Down { retry_at: now + pause, crashing }
    }

    /// Starts the process again, configured as before.
    async fn start_again(&self) -> Result<Arc<Connection>, String> {
        let configure = self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let connection = connect(&self.spec, &self.host, configure.is_some())
            .await
            .map_err(|refusal| refusal.summary())?;
        if let Some(mut call) = configure {
            let attempt = call.context.attempt() + 1;
            call.context = call.context.attempt_number(attempt);
            let window = call.context.window();
            let outcome = tokio::time::timeout(window, unary(&connection, call.raw())).await;
            match outcome {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(format!("could not be configured again: {error}")),
                Err(_) => {
                    connection.kill("configure did not return");
                    return Err("did not return from configure".to_owned());
                }
            }
        }
        Ok(connection)
    }
}

async fn connect(
    spec: &RunnerSpec,
    host: &Arc<HostDispatcher>,
    is_repeated: bool,
) -> Result<Arc<Connection>, Refusal> {
    let request = OpenRequest {
        plugin: spec.plugin.clone(),
        path: spec.path.clone(),
        log_level: spec.log_level as u32,
    };
    Connection::start(
        &spec.executable,
        request,
        Arc::clone(host),
        spec.load_timeout,
        spec.cancel_grace,
        is_repeated,
    )
    .await
}

async fn supervise(supervisor: std::sync::Weak<Supervisor>) {
    loop {
        let Some(this) = supervisor.upgrade() else {
            return;
        };
        let phase = this.phase.borrow().clone();
        match phase {
            Phase::Up(connection) => {
                drop(this);
                let how = connection.ended().await;
                let Some(this) = supervisor.upgrade() else {
                    return;
                };
                let down = this.note_end(&how);
                this.phase.send_replace(down);
            }
            Phase::Down { retry_at, .. } => {
                tokio::time::sleep_until(retry_at.into()).await;
                let next = match this.start_again().await {
                    Ok(connection) => {
                        let mut history =
                            this.history.lock().unwrap_or_else(PoisonError::into_inner);
                        history.restarts += 1;
                        log::info!(
                            plugin = this.spec.plugin.as_str();
                            "the plugin's process was started again"
                        );
                        Phase::Up(connection)
                    }
                    Err(how) => this.note_end(&how),
                };
                this.phase.send_replace(next);
            }
        }
    }
}

fn unexpected(word: &ToHost) -> PluginError {
    PluginError::internal(format!("the plugin's process answered out of turn: {word:?}"))
}

async fn unary(connection: &Arc<Connection>, call: RawCall<'_>) -> PluginResult<FfiBytes> {
    let mut ticket = connection.begin(call, ToRunner::Call)?;
    match ticket.receive().await? {
        ToHost::Answer(_, outcome) => Ok(FfiBytes::from(outcome?)),
        other => Err(unexpected(&other)),
    }
}

impl Transport for Supervisor {
    fn call<'a>(&'a self, call: RawCall<'a>) -> Answering<'a> {
        Answering::Other(Box::pin(async move {
            let configure = (call.target == Target::PROVIDER && call.method == CONFIGURE)
                .then(|| Configure { context: call.context.clone(), body: call.body.clone() });
            let answer = unary(&self.connection()?, call).await?;
            if configure.is_some() {
                *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = configure;
            }
            Ok(answer)
        }))
    }

    fn open_reader<'a>(
        &'a self,
        call: RawCall<'a>,
    ) -> BoxFuture<'a, PluginResult<Box<dyn DataReader>>> {
        Box::pin(async move {
            let connection = self.connection()?;
            let mut ticket = connection.begin(call, ToRunner::OpenReader)?;
            match ticket.receive().await? {
                ToHost::ReaderOpened(_, outcome) => outcome?,
                ToHost::Answer(_, Err(error)) => return Err(error.into()),
                other => return Err(unexpected(&other)),
            }
            let reader = HostSideReader::begin(connection, ticket)?;
            Ok(Box::new(reader) as Box<dyn DataReader>)
        })
    }

    fn open_writer<'a>(&'a self, call: RawCall<'a>) -> BoxFuture<'a, PluginResult<OpenedWriter>> {
        Box::pin(async move {
            let connection = self.connection()?;
            let mut ticket = connection.begin(call, ToRunner::OpenWriter)?;
            let offset = match ticket.receive().await? {
                ToHost::WriterOpened(_, outcome) => outcome?,
                ToHost::Answer(_, Err(error)) => return Err(error.into()),
                other => return Err(unexpected(&other)),
            };
            Ok(OpenedWriter::new(offset, HostSideWriter::new(connection, ticket)))
        })
    }

    fn attach_host(&self, host: Arc<dyn HostServices>) {
        self.host.attach(host);
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Phase::Up(connection) = &*self.phase.borrow() {
            connection.kill("the host lets go of it");
        }
    }
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supervisor").field("spec", &self.spec).finish_non_exhaustive()
    }
}
