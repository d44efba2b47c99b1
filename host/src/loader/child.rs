//! Child processes of the host: the same executable, started with a hidden word, talking over a
//! socket that is the child's standard input.
//!
//! The socket comes as standard input because that needs no unsafe code and no descriptor number
//! agreed upon; secrets travel over it, never in arguments or the environment.

use rustix::process::{Resource, Rlimit, Signal};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};

/// The word that makes the executable a probe.
pub const PROBE: &str = "__probe";
/// The word that makes the executable a plugin's own process.
pub const RUNNER: &str = "__runner";

/// The executable to start children from: this very file, even if it was replaced since.
pub fn own_executable() -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return running.to_owned();
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("storage-host"))
}

/// Starts a child and returns our end of its socket. It dies with the returned handle.
///
/// # Errors
/// When the system refuses a process or a socket.
pub fn spawn(executable: &Path, word: &str, stderr: Stdio) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(executable)
        .arg(word)
        // A plugin's process has no business with the host's credentials.
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| inherited(&name.to_string_lossy())))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(stderr)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, ours))
}

/// What a child may know of the host's environment: nothing of the host's own options.
fn inherited(name: &str) -> bool {
    !name.starts_with("STORAGE_HOST_")
}

/// In the child: its end of the socket. Standard input is empty afterwards. The child dies with
/// the host, and leaves no core.
///
/// # Errors
/// When it was not started by [`spawn`].
pub fn socket_of_child() -> io::Result<UnixStream> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)?;
    let socket = UnixStream::from(socket);
    // Only a socket has a peer: an executable started by hand gets an error, not a hang.
    socket.peer_addr()?;
    Ok(socket)
}

/// How a process ended, in words.
pub fn ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}{}", signal_name(signal)),
        (None, Some(code)) => format!("exited with status {code}"),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match Signal::from_named_raw(signal) {
        Some(Signal::SEGV) => " (SIGSEGV)",
        Some(Signal::BUS) => " (SIGBUS)",
        Some(Signal::ABORT) => " (SIGABRT)",
        Some(Signal::KILL) => " (SIGKILL)",
        Some(Signal::ILL) => " (SIGILL)",
        Some(Signal::FPE) => " (SIGFPE)",
        Some(Signal::XCPU) => " (SIGXCPU)",
        Some(Signal::TERM) => " (SIGTERM)",
        Some(Signal::TRAP) => " (SIGTRAP)",
        _ => "",
    }
}
