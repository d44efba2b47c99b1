//! How long to wait before a step is tried again, and when to give up.

use super::step_error::Retrying;
use std::time::Duration;

/// How often a step is tried before what was done is undone. With the waits below that is half a
/// minute in which a back end may come back.
const PATIENCE: u32 = 8;
/// How often a step is tried at once, because someone else came between.
const CONFLICTS: u32 = 100;
/// The wait after the first attempt; each wait is twice the one before.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt, after this time.
    Again(Duration),
    /// The step has failed.
    Failed,
    /// Nothing in this life of the host.
    Rest,
}

/// What comes after the given attempt (from 1) on the way forwards.
pub(super) fn forwards(attempt: u32, retrying: Retrying) -> Next {
    match retrying {
        Retrying::Never => Next::Failed,
        Retrying::Now if attempt < CONFLICTS => Next::Again(Duration::ZERO),
        Retrying::Later(after) if attempt < PATIENCE => Next::Again(wait(attempt, after)),
        Retrying::Now | Retrying::Later(_) => Next::Failed,
        Retrying::AtNextStart => Next::Rest,
    }
}

/// What comes after the given attempt where there is no other way: backwards, and forwards from a
/// point of no return. It never gives up.
pub(super) fn without_end(attempt: u32, retrying: Retrying) -> Next {
    match retrying {
        Retrying::Now => Next::Again(Duration::ZERO),
        Retrying::Never => Next::Again(wait(attempt, None)),
        Retrying::Later(after) => Next::Again(wait(attempt, after)),
        Retrying::AtNextStart => Next::Rest,
    }
}

fn wait(attempt: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled.max(asked.unwrap_or_default()).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_longest() {
        let waits: Vec<_> = (1..=11).map(|attempt| wait(attempt, None).as_millis()).collect();
        let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
        assert_eq!(waits, expected);
    }

    #[test]
    fn a_back_end_that_asks_for_time_gets_it() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(forwards(1, Retrying::Later(asked)), Next::Again(Duration::from_secs(7)));
    }

    #[test]
    fn the_way_back_has_no_end() {
        assert_eq!(without_end(1_000, Retrying::Never), Next::Again(LONGEST_WAIT));
        assert_eq!(forwards(PATIENCE, Retrying::Later(None)), Next::Failed);
    }
}
