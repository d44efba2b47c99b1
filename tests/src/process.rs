//! A child process whose output is kept, and what the system says about processes.

use crate::fail::{OrFail, fail};
use crate::wait::{LONG, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What a process said so far, on both of its outputs.
#[derive(Debug, Default)]
struct Said {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<String>,
    ended_outputs: usize,
}

impl Said {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, output: impl Read + Send + 'static) {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                said.lock().all.push(line);
                said.changed.notify_all();
            }
            said.lock().ended_outputs += 1;
            said.changed.notify_all();
        });
    }
}

/// A running process. It dies with this.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Said>,
}

impl Running {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().or_fail("start a program");
        let said = Arc::<Said>::default();
        said.listen(child.stdout.take().or_fail("its output"));
        said.listen(child.stderr.take().or_fail("its errors"));
        Self { child, said }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it said so far.
    pub fn said(&self) -> String {
        self.said.lock().all.join("\n")
    }

    /// Waits until it says a line; fails when it ends or [`LONG`] passes without.
    #[track_caller]
    pub fn wait_for_line(&self, has: impl Fn(&str) -> bool, what: &str) -> String {
        let deadline = Instant::now() + LONG;
        let mut lines = self.said.lock();
        loop {
            if let Some(line) = lines.all.iter().find(|line| has(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended_outputs == 2 || left.is_zero() {
                fail(&format!("it did not say {what}, but:\n{}", lines.all.join("\n")));
            }
            let waited = self.said.changed.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Whether it is running still.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().or_fail("ask for its status").is_none()
    }

    /// Waits for its end, and returns it with all it said.
    #[track_caller]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = eventually("it ends", || self.child.try_wait().or_fail("ask for its status"));
        let mut lines = self.said.lock();
        // A grandchild may hold the outputs open; what the process itself said is read by then.
        while lines.ended_outputs < 2 {
            let waited = self.said.changed.wait_timeout(lines, std::time::Duration::from_secs(2));
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            lines = again;
            if timeout.timed_out() {
                break;
            }
        }
        let said = lines.all.join("\n");
        drop(lines);
        (status, said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            writeln!(std::io::stderr(), "what the process said:\n{}", self.said()).ok();
        }
    }
}

/// Sends a signal to a process. One that is told to stop stands still afterwards.
pub fn signal(pid: u32, which: Signal) {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).or_fail("a process id");
    kill_process(process, which).or_fail("send a signal");
    if which == Signal::STOP {
        eventually("all of its threads stand still", || stands_still(pid).then_some(()));
    }
}

/// Whether every thread of a process is stopped: each of them stops when its turn comes.
fn stands_still(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let mut states = threads.flatten().map(|thread| state(&thread.path().join("stat")));
    states.all(|state| state.is_none_or(|state| "TZX".contains(state)))
}

/// The letter for what a process or thread does; `None` where it is gone.
fn state(stat: &Path) -> Option<char> {
    let stat = fs::read_to_string(stat).ok()?;
    // "12 (name with ) anything) S …"
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is there and not a mere entry that nobody has asked for its status.
pub fn process_is_there(pid: u32) -> bool {
    state(Path::new(&format!("/proc/{pid}/stat"))).is_some_and(|state| !"ZX".contains(state))
}

/// How many files a process has open.
pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).or_fail("list the open files of a process").count()
}

/// How many bytes a process has read and written so far, by calls of the system.
pub fn bytes_moved(pid: u32) -> (u64, u64) {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).or_fail("read what a process moved");
    let number = |name: &str| {
        let line = io.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse().ok()).or_fail("a number of bytes")
    };
    (number("rchar:"), number("wchar:"))
}
