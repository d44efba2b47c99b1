//! How the harness gives up: with what it was doing and what it saw.

use std::fmt::Debug;

/// The value, or the end of the test.
pub trait OrFail {
    /// What is inside.
    type Value;

    /// Takes the value out, or ends the test.
    fn or_fail(self, doing: &str) -> Self::Value;
}

impl<T, E: Debug> OrFail for Result<T, E> {
    type Value = T;

    #[track_caller]
    fn or_fail(self, doing: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => fail(&format!("{doing}: {error:?}")),
        }
    }
}

impl<T> OrFail for Option<T> {
    type Value = T;

    #[track_caller]
    fn or_fail(self, doing: &str) -> T {
        match self {
            Some(value) => value,
            None => fail(doing),
        }
    }
}

/// Ends the test.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub(crate) fn fail(what: &str) -> ! {
    panic!("{what}")
}
