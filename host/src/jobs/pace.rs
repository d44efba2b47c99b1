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

/// How often the current step failed in this life of the host. Who came between uses up no patience
/// with a back end, nor does a host that was started again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    conflicts: u32,
    waits: u32,
}

impl Pace {
    /// What comes after another failed attempt on the way forwards.
    pub(super) fn forwards(&mut self, retrying: Retrying) -> Next {
        match self.without_end(retrying) {
            Next::Again(_)
                if retrying == Retrying::Never
                    || self.conflicts >= CONFLICTS
                    || self.waits >= PATIENCE =>
            {
                Next::Failed
            }
            next => next,
        }
    }

    /// What comes after another failed attempt where there is no other way: backwards, and
    /// forwards from a point of no return. It never gives up.
    pub(super) fn without_end(&mut self, retrying: Retrying) -> Next {
        let asked = match retrying {
            Retrying::AtNextStart => return Next::Rest,
            Retrying::Now => {
                self.conflicts = self.conflicts.saturating_add(1);
                if self.conflicts < CONFLICTS {
                    return Next::Again(Duration::ZERO);
                }
                // Nobody comes between that often: to go on at once would be to spin.
                None
            }
            Retrying::Never => None,
            Retrying::Later(after) => after,
        };
        self.waits = self.waits.saturating_add(1);
        Next::Again(wait(self.waits, asked))
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
        let mut pace = Pace::default();
        assert_eq!(pace.forwards(Retrying::Later(asked)), Next::Again(Duration::from_secs(7)));
    }

    #[test]
    fn the_way_back_has_no_end() {
        let mut pace = Pace { conflicts: 0, waits: 999 };
        assert_eq!(pace.without_end(Retrying::Never), Next::Again(LONGEST_WAIT));
        let mut pace = Pace { conflicts: 0, waits: PATIENCE - 1 };
        assert_eq!(pace.forwards(Retrying::Later(None)), Next::Failed);
    }

    #[test]
    fn who_came_between_uses_up_no_patience() {
        let mut pace = Pace::default();
        for _ in 1..CONFLICTS {
            assert_eq!(pace.forwards(Retrying::Now), Next::Again(Duration::ZERO));
        }
        assert_eq!(pace.forwards(Retrying::Later(None)), Next::Again(FIRST_WAIT));
        assert_eq!(pace.forwards(Retrying::Now), Next::Failed);
    }

    #[test]
    fn conflicts_that_do_not_end_are_waited_for() {
        let mut pace = Pace { conflicts: CONFLICTS, waits: 0 };
        assert_eq!(pace.without_end(Retrying::Now), Next::Again(FIRST_WAIT));
    }
}
