//! The circuit of one store.
//!
//! Closed: every call goes through. Open, after some failures in a row: no call does, each is
//! refused at once. Half open, after a wait: one call may try; its outcome closes or opens it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use storage_plugin_api::{PluginError, PluginErrorKind, PluginResult, Retry};

/// How many calls in a row must find the back end dead.
const FAILURES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What an open circuit looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitReport {
    /// What the last call said.
    pub reason: String,
    /// When the next call may try.
    pub next_try: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

/// The one call that tries whether the back end answers again. However it ends, noted, given up or
/// broken, another one may try after it.
#[derive(Debug)]
pub(super) struct Trial<'a>(pub(super) &'a Breaker);

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(open) = &mut self.0.lock().open {
            open.trying = false;
        }
    }
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    reason: String,
    wait: Duration,
    until: Instant,
    trying: bool,
}

impl Breaker {
    /// Lets a call through, or says why not. `true` makes it the one call that tries, which is a
    /// [`Trial`].
    pub(super) fn admit(&self, store: &str, now: Instant) -> PluginResult<bool> {
        let mut state = self.lock();
        let Some(open) = &mut state.open else {
            return Ok(false);
        };
        if now >= open.until && !open.trying {
            open.trying = true;
            return Ok(true);
        }
        let after = open.until.saturating_duration_since(now).max(Duration::from_millis(100));
        Err(PluginError::unavailable(format!(
            "{store} did not answer {FAILURES} times in a row and is left alone for another \
             {after:.1?}; the last answer was: {}",
            open.reason
        ))
        .retry(Retry::Later { after: Some(after) }))
    }

    /// Notes how a call that was let through ended.
    pub(super) fn note(&self, error: Option<&PluginError>, now: Instant) {
        let mut state = self.lock();
        let dead = error.filter(|error| {
            matches!(error.kind(), PluginErrorKind::Timeout | PluginErrorKind::Unavailable)
        });
        match (dead, &mut state.open) {
            (None, _) if error.is_some_and(|e| e.kind() == PluginErrorKind::Cancelled) => {
                // Says nothing about the back end; another call may try.
                if let Some(open) = &mut state.open {
                    open.trying = false;
                }
            }
            (None, _) => *state = State::default(),
            (Some(error), Some(open)) => {
                open.wait = (open.wait * 2).min(LONGEST_WAIT);
                open.until = now + open.wait;
                open.reason = error.message().to_owned();
                open.trying = false;
            }
            (Some(error), None) => {
                state.failures += 1;
                if state.failures >= FAILURES {
                    state.open = Some(Open {
                        reason: error.message().to_owned(),
                        wait: FIRST_WAIT,
                        until: now + FIRST_WAIT,
                        trying: false,
                    });
                }
            }
        }
    }

    /// What there is to say of a circuit that is not closed.
    pub(super) fn report(&self, now: Instant) -> Option<CircuitReport> {
        let state = self.lock();
        let open = state.open.as_ref()?;
        Some(CircuitReport {
            reason: open.reason.clone(),
            next_try: open.until.saturating_duration_since(now),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead() -> PluginError {
        PluginError::unavailable("connection refused")
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_tries_one_call_after_a_wait() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..FAILURES {
            assert!(breaker.admit("pool one", start).is_ok());
            breaker.note(Some(&dead()), start);
        }
        let refused = breaker.admit("pool one", start).map_err(|error| error.to_string());
        assert!(refused.is_err_and(|text| text.contains("connection refused")));
        let later = start + FIRST_WAIT;
        assert!(breaker.admit("pool one", later).is_ok(), "one call may try");
        assert!(breaker.admit("pool one", later).is_err(), "a second waits for its outcome");
        breaker.note(None, later);
        assert!(breaker.admit("pool one", later).is_ok());
        assert_eq!(breaker.report(later), None);
    }

    #[test]
    fn a_refusal_proves_that_the_back_end_answers() {
        let breaker = Breaker::default();
        let now = Instant::now();
        for _ in 0..FAILURES * 2 {
            breaker.note(Some(&dead()), now);
            breaker.note(Some(&PluginError::not_found("no such volume")), now);
        }
        assert!(breaker.admit("pool one", now).is_ok());
    }

    #[test]
    fn a_try_that_never_ended_lets_another_one_try() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..FAILURES {
            breaker.note(Some(&dead()), start);
        }
        let later = start + FIRST_WAIT;
        assert_eq!(breaker.admit("pool one", later), Ok(true));
        drop(Trial(&breaker));
        assert_eq!(breaker.admit("pool one", later), Ok(true));
    }

    #[test]
    fn each_failed_try_waits_longer() {
        let breaker = Breaker::default();
        let mut now = Instant::now();
        for _ in 0..FAILURES {
            breaker.note(Some(&dead()), now);
        }
        for expected in [2, 4, 8, 16, 30, 30] {
            now += LONGEST_WAIT;
            assert!(breaker.admit("pool one", now).is_ok());
            breaker.note(Some(&dead()), now);
            let next = breaker.report(now).map(|report| report.next_try);
            assert_eq!(next, Some(Duration::from_secs(expected)));
        }
    }
}
