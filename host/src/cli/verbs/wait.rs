//! Waits for a job, and shows how far it is.
//!
//! **Invariant:** whoever stops waiting stops nothing else: the job goes on, and its id is told.

use super::{Ask, VerbError};
use crate::cli::client::ClientError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whoever watches a job.
pub(super) trait Watch {
    /// How far it is.
    fn progress(&mut self, job: &Value);

    /// Lets time pass; `false` when nobody wants to wait any more.
    fn pause(&mut self, pause: Duration) -> bool;

    /// It has ended.
    fn end(&mut self);
}

/// Waits until a job is done. Gives an answer as the command itself would have given it.
pub(super) fn until_done(
    ask: &dyn Ask,
    command: &'static str,
    job: &str,
    watcher: &mut dyn Watch,
) -> Result<String, VerbError> {
    let mut pause = FIRST_PAUSE;
    let outcome = loop {
        let state = match ask.ask_value("queryAsyncJobResult", &[("jobid", job)]) {
            Ok(state) => state,
            Err(error) => break Err(lost(job, error)),
        };
        match state["jobstatus"].as_u64() {
            Some(1) => break Ok(json!({ "jobresponse": state["jobresult"] }).to_string()),
            Some(2) => {
                let result = &state["jobresult"];
                break Err(VerbError::JobFailed {
                    command,
                    job: job.to_owned(),
                    text: result["errortext"].as_str().unwrap_or("it failed").to_owned(),
                    code: result["errorcode"].as_u64().unwrap_or_default(),
                });
            }
            _ => watcher.progress(&state),
        }
        if !watcher.pause(pause) {
            break Err(VerbError::Interrupted { job: job.to_owned() });
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    watcher.end();
    outcome
}

/// Why nobody can say how a job is: the job itself is not lost, unless the host says so.
fn lost(job: &str, error: VerbError) -> VerbError {
    match error {
        VerbError::Client(refused @ ClientError::Refused { .. }) => refused.into(),
        VerbError::Client(why) => VerbError::Lost { job: job.to_owned(), why },
        other => other,
    }
}

/// People at a terminal: a bar on standard error, and Ctrl-C. Where it is none, nothing is shown.
pub(super) struct Terminal {
    bar: Option<ProgressBar>,
    interrupts: Receiver<()>,
    // Where Ctrl-C cannot be caught it ends the process, and the pause still has to be one.
    _never: Sender<()>,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let (sender, interrupts) = channel();
        tell_of_interrupts(sender.clone());
        Self { bar: None, interrupts, _never: sender }
    }

    fn bar(&mut self) -> &ProgressBar {
        self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        })
    }
}

impl Watch for Terminal {
    fn progress(&mut self, job: &Value) {
        let waits = job["waitingfor"].as_str().map(|what| format!("waits: {what}"));
        let phase = job["phase"].as_str().unwrap_or("running").to_owned();
        let (done, total) = (job["donebytes"].as_u64(), job["totalbytes"].as_u64());
        let bar = self.bar();
        let template = match (done, total.filter(|total| *total > 0)) {
            (Some(done), Some(total)) => {
                bar.set_length(total);
                bar.set_position(done);
                "{spinner} [{bar:30}] {percent:>3}% {binary_bytes}/{binary_total_bytes} \
                 {binary_bytes_per_sec} {wide_msg}"
            }
            (Some(done), None) if done > 0 => {
                bar.set_position(done);
                "{spinner} {binary_bytes} {binary_bytes_per_sec} {wide_msg}"
            }
            _ => "{spinner} {elapsed} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(waits.unwrap_or(phase));
    }

    fn pause(&mut self, pause: Duration) -> bool {
        let interrupted = self.interrupts.recv_timeout(pause).is_ok();
        if interrupted {
            self.end();
        }
        !interrupted
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Tells of Ctrl-C, by a thread that ends with the process.
fn tell_of_interrupts(sender: Sender<()>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    // Caught before the job begins, so that its id is told however early Ctrl-C comes.
    let caught = {
        let _inside = runtime.enter();
        signal(SignalKind::interrupt())
    };
    let Ok(mut caught) = caught else {
        return;
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            while caught.recv().await.is_some() {
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
    });
}
