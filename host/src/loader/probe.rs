//! The probe: loads and configures a plugin in a child process first.
//!
//! A library can crash, exit or hang in its constructors, before any check of ours could run. The
//! probe takes that blow: the host only loads what a child of it has loaded and configured. What
//! the probe cannot find is a crash that depends on later calls; `isolation = "process"` is for
//! plugins that are not trusted with that.

use super::bring_up::BringUp;
use super::child::{self, ended};
use super::load::log_of_plugin;
use super::open::open_library;
use super::refusal::{Refusal, RefusalCode};
use super::services::ProbeServices;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::Settings;
use storage_plugin_api::abi::{
    FfiTransport, HostDispatcher, LogRecord, Manifest, OpenOptions, Transport,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

/// How much of a child's standard error is shown.
const LAST_WORDS: usize = 300;

/// What to probe.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// The name of the row.
    pub plugin: String,
    /// The library.
    pub path: PathBuf,
    /// The settings of the row.
    pub settings: Settings,
    /// How long `configure` may stand still.
    pub configure_timeout: Duration,
}

/// What the child tells, one line each.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Configuring,
    Log(LogRecord),
    Accepted(Box<Manifest>),
    Refused(Box<Refusal>),
}

/// Probes a plugin: what its provider says of itself, or why it must not be loaded.
///
/// # Errors
/// Everything that loading and configuring can fail with.
pub async fn probe(
    executable: &Path,
    request: &ProbeRequest,
    load_timeout: Duration,
) -> Result<Manifest, Refusal> {
    let (mut process, socket) = child::spawn(executable, child::PROBE, Stdio::piped())
        .map_err(|error| no_child(request, &error))?;
    let mut configuring = false;
    let mut told = None;
    let timeout = |configuring: bool| {
        // The child notices a hanging configure itself; the margin lets it tell.
        if configuring { request.configure_timeout + Duration::from_secs(2) } else { load_timeout }
    };
    let conversation = async {
        let socket = to_tokio(socket)?;
        let (read, mut write) = socket.into_split();
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        write.write_all(&line).await?;
        let mut lines = tokio::io::BufReader::new(read).lines();
        loop {
            let next = tokio::time::timeout(timeout(configuring), lines.next_line()).await;
            let Ok(line) = next else { return Ok(true) };
            let Some(line) = line? else { return Ok(false) };
            match serde_json::from_str(&line)? {
                Word::Configuring => configuring = true,
                Word::Log(record) => forward(&request.plugin, &record),
                Word::Accepted(manifest) => {
                    told = Some(Ok(*manifest));
                    return Ok(false);
                }
                Word::Refused(refusal) => {
                    told = Some(Err(*refusal));
                    return Ok(false);
                }
            }
        }
    };
    let hung: Result<bool, std::io::Error> = conversation.await;
    if let Some(told) = told {
        // Its exit handlers are the plugin's, too: they do not get to run.
        process.kill().await.ok();
        return told;
    }
    if matches!(hung, Ok(true)) {
        process.kill().await.ok();
        return Err(hung_refusal(request, configuring, timeout(configuring)));
    }
    Err(died(request, configuring, &mut process).await)
}

fn to_tokio(socket: UnixStream) -> std::io::Result<tokio::net::UnixStream> {
    socket.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(socket)
}

fn forward(plugin: &str, record: &LogRecord) {
    log_of_plugin(&format!("{plugin} (probe)"), record);
}

fn cannot(request: &ProbeRequest, configuring: bool) -> String {
    let doing = if configuring { "configure" } else { "load" };
    format!("cannot {doing} plugin {:?} ({})", request.plugin, request.path.display())
}

fn no_child(request: &ProbeRequest, error: &std::io::Error) -> Refusal {
    Refusal::new(
        RefusalCode::LoaderError,
        cannot(request, false),
        format!("no probe process could be started: {error}"),
        "see whether the system's limit of processes or open files is reached",
    )
}

fn hung_refusal(request: &ProbeRequest, configuring: bool, after: Duration) -> Refusal {
    let (code, option) = if configuring {
        (RefusalCode::ConfigureHung, "configure_timeout")
    } else {
        (RefusalCode::HungWhileLoading, "probe_timeout")
    };
    Refusal::new(
        code,
        cannot(request, configuring),
        format!("it did not finish within {after:?}; the probe was killed"),
        format!("tell the plugin's vendor, or raise {option} in plugins.toml if it is only slow"),
    )
}

/// Why a child ended without having told anything.
async fn died(
    request: &ProbeRequest,
    configuring: bool,
    process: &mut tokio::process::Child,
) -> Refusal {
    let mut stderr = String::new();
    if let Some(mut pipe) = process.stderr.take() {
        let read = pipe.read_to_string(&mut stderr);
        tokio::time::timeout(Duration::from_secs(1), read).await.ok();
    }
    let status = match process.wait().await {
        Ok(status) => status,
        Err(error) => return no_child(request, &error),
    };
    let crashed = std::os::unix::process::ExitStatusExt::signal(&status).is_some();
    let code = match (crashed, configuring) {
        (true, true) => RefusalCode::CrashedWhileConfiguring,
        (true, false) => RefusalCode::CrashedWhileLoading,
        (false, _) => RefusalCode::ExitedWhileLoading,
    };
    let mut why = format!("the process that tried it {}", ended(status));
    if let Some(words) = stderr.lines().rev().find(|line| !line.trim().is_empty()) {
        let words: String = words.trim().chars().take(LAST_WORDS).collect();
        why.push_str(&format!("; its last words: {words}"));
    }
    Refusal::new(
        code,
        cannot(request, configuring),
        why,
        "tell the plugin's vendor; nothing of it runs in the host",
    )
}

/// The child's side: never returns to the caller's normal work.
///
/// # Errors
/// When it was not started as a probe.
pub fn run_child() -> anyhow::Result<()> {
    let socket = child::socket_of_child()?;
    let mut line = String::new();
    BufReader::new(socket.try_clone()?).read_line(&mut line)?;
    let request: ProbeRequest = serde_json::from_str(&line)?;
    let tell = Arc::new(Tell(std::sync::Mutex::new(socket)));
    if log::set_boxed_logger(Box::new(ForwardLog(Arc::clone(&tell)))).is_ok() {
        log::set_max_level(log::LevelFilter::Debug);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(load_and_configure(&request, &tell));
    tell.word(&match outcome {
        Ok(manifest) => Word::Accepted(Box::new(manifest)),
        Err(refusal) => Word::Refused(Box::new(refusal)),
    });
    // The host kills this process: neither destructors nor exit handlers of the plugin run.
    loop {
        std::thread::park();
    }
}

/// The child's voice.
struct Tell(std::sync::Mutex<UnixStream>);

impl Tell {
    fn word(&self, word: &Word) {
        let Ok(mut line) = serde_json::to_vec(word) else {
            return;
        };
        line.push(b'\n');
        let mut socket = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The host is gone if this fails, and this process with it.
        socket.write_all(&line).ok();
    }
}

/// What the loader itself logs in the child; the host shows it where its level says so.
struct ForwardLog(Arc<Tell>);

impl log::Log for ForwardLog {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.word(&Word::Log(LogRecord {
            level: record.level() as u32,
            target: record.target().to_owned(),
            message: record.args().to_string(),
            pairs: Vec::new(),
        }));
    }

    fn flush(&self) {}
}

async fn load_and_configure(request: &ProbeRequest, tell: &Arc<Tell>) -> Result<Manifest, Refusal> {
    let root = open_library(&request.path)?;
    let voice = Arc::clone(tell);
    let host = Arc::new(HostDispatcher::new(Box::new(move |record| {
        voice.word(&Word::Log(record.clone()));
    })));
    let options = OpenOptions::new(&request.plugin, log::LevelFilter::Warn, false);
    let transport = FfiTransport::open(root, host, options).map_err(|error| {
        Refusal::new(
            RefusalCode::PanickedWhileLoading,
            cannot(request, false),
            error.to_string(),
            "the log shows where; tell the plugin's vendor",
        )
    })?;
    let configuring = Arc::clone(tell);
    let bring_up = BringUp {
        plugin: &request.plugin,
        settings: request.settings.clone(),
        services: Arc::new(ProbeServices::default()),
        configure_timeout: request.configure_timeout,
        on_configure: &move || configuring.word(&Word::Configuring),
    };
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let provider = bring_up.run(Arc::clone(&transport)).await?;
    // Kept until the process is killed: nothing of the plugin is torn down here.
    std::mem::forget(transport);
    Ok(provider.manifest())
}
