//! What suites share that name their tests themselves, for not every machine can run them.

use crate::fail::OrFail;
use libtest_mimic::{Arguments, Failed};
use std::io::Write;
use std::process::ExitCode;

/// Whether whoever starts the tests says by a variable, set to 1, that this machine can run them.
pub fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}

/// Runs no test, and says what was left out and what to set.
pub fn leave_out(arguments: &Arguments, what: &str) -> ExitCode {
    // Nobody listens if this fails.
    writeln!(std::io::stderr(), "left out: {what}").ok();
    libtest_mimic::run(arguments, Vec::new()).exit_code()
}

/// Runs a test that waits.
///
/// # Errors
/// The test's.
pub fn run(test: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Runtime::new().or_fail("a runtime").block_on(test)
}

/// What has to hold.
///
/// # Errors
/// What was seen otherwise.
pub fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}
