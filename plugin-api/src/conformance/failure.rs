//! Why a case failed: a sentence of what was done, what was expected and what came.

use crate::digest::Digest;
use crate::{PluginError, PluginErrorKind, PluginResult, Retry};
use std::fmt;

/// The reason of a failed case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure(String);

/// What a case, or a part of one, returns.
pub(super) type Checked<T = ()> = Result<T, Failure>;

impl Failure {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done when something failed.
pub(super) trait Doing<T> {
    fn doing(self, what: impl fmt::Display) -> Checked<T>;
}

impl<T> Doing<T> for PluginResult<T> {
    fn doing(self, what: impl fmt::Display) -> Checked<T> {
        self.map_err(|error| Failure(format!("{what}: expected success, got {}", told(&error))))
    }
}

impl<T> Doing<T> for Checked<T> {
    fn doing(self, what: impl fmt::Display) -> Checked<T> {
        self.map_err(|failure| Failure(format!("{what}: {failure}")))
    }
}

/// An error with its kind, and whether the back end only asks for patience.
fn told(error: &PluginError) -> String {
    let patience = match error.retry_hint() {
        Retry::Later { .. } => ", to be retried later",
        Retry::Exhausted => ", retried in vain",
        Retry::Never => "",
    };
    format!("{}{patience} ({error})", error.kind())
}

/// Checks that a call was refused in one of the ways the contract names.
pub(super) fn refused<T>(
    answer: PluginResult<T>,
    kinds: &[PluginErrorKind],
    what: impl fmt::Display,
) -> Checked<PluginError> {
    let wanted = || {
        let words: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        words.join(" or ")
    };
    match answer {
        Err(error) if kinds.contains(&error.kind()) => Ok(error),
        Err(error) => Err(Failure(format!("{what}: expected {}, got {}", wanted(), told(&error)))),
        Ok(_) => Err(Failure(format!("{what}: expected {}, got success", wanted()))),
    }
}

/// Checks that two values are the same.
pub(super) fn equal<T: PartialEq + fmt::Debug>(
    what: impl fmt::Display,
    expected: T,
    got: T,
) -> Checked {
    if expected == got {
        return Ok(());
    }
    Err(Failure(format!("{what}: expected {expected:?}, got {got:?}")))
}

/// Checks a digest that a driver recorded; one of another algorithm says nothing.
pub(super) fn equal_digests(what: impl fmt::Display, expected: Digest, recorded: &str) -> Checked {
    match expected.agrees_with(recorded) {
        None => Ok(()),
        Some(_) => equal(what, expected.to_string().as_str(), recorded),
    }
}

/// Checks that something holds; the text says what was expected and what came.
pub(super) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(Failure(why())) }
}

/// The text of a panic's payload.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is not text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_done_expected_and_came() {
        let answer: PluginResult<()> = Err(PluginError::unavailable("connection refused"));
        let failure = answer.clone().doing("creating a volume").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "creating a volume: expected success, got Unavailable, to be retried later \
             (connection refused)"
        );
        let failure = refused(answer, &[PluginErrorKind::NotFound], "reading").unwrap_err();
        assert!(failure.to_string().starts_with("reading: expected NotFound, got Unavailable"));
        let failure = refused(Ok(1), &[PluginErrorKind::NotFound], "reading").unwrap_err();
        assert_eq!(failure.to_string(), "reading: expected NotFound, got success");
        assert_eq!(equal("the size", 1, 2).unwrap_err().to_string(), "the size: expected 1, got 2");
    }
}
