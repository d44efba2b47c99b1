//! What a person reads: the one place of this crate that prints.

use std::fmt::Display;
use std::time::Duration;

/// Prints one line.
#[expect(clippy::print_stdout, reason = "a task reports on standard output")]
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// Prints why the task failed.
#[expect(clippy::print_stderr, reason = "a failure is reported on standard error")]
pub(crate) fn failure(error: &anyhow::Error) {
    eprintln!("\nerror: {error:#}");
}

/// Prints the headline of a step.
pub(crate) fn header(text: impl Display) {
    line(format_args!("\n==> {text}"));
}

/// How long something took, to a tenth of a second.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
