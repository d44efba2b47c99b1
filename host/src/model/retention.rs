//! Which snapshots of a policy go.
//!
//! **Invariants:** the newest of them never goes. One that is not yet where it is to be counts
//! apart: however long backups fail, they displace none that was backed up, and they do not pile up
//! without end.

/// A snapshot of a policy that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// For which moment it was taken, in microseconds since 1970 (UTC).
    pub due_us: i64,
    /// Whether it is where the policy wants it to be.
    pub is_complete: bool,
}

/// How long the snapshots of a policy stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How many.
    pub count: usize,
    /// How old they may become, in microseconds.
    pub age_us: Option<i64>,
    /// The last moment that was due: age counts only once its snapshot is complete, so that a
    /// policy which keeps failing does not lose what it has.
    pub last_due_us: i64,
}

impl Retention {
    /// Which of the snapshots go, given the oldest first, as their places in the slice.
    pub fn surplus(&self, kept: &[Kept]) -> Vec<usize> {
        let of = |is_complete: bool| {
            let ours =
                kept.iter().enumerate().filter(move |(_, one)| one.is_complete == is_complete);
            ours.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let mut goes = Vec::new();
        for group in [of(true), of(false)] {
            goes.extend(group.iter().take(group.len().saturating_sub(self.count.max(1))));
        }
        let newest = kept.iter().rposition(|one| one.is_complete);
        if let (Some(newest), Some(age)) = (newest, self.age_us)
            && let Some(last) = kept.get(newest).filter(|last| last.due_us >= self.last_due_us)
        {
            let is_old = |one: &Kept| one.due_us.saturating_add(age) <= last.due_us;
            let old =
                kept.iter().enumerate().filter(|(place, one)| *place != newest && is_old(one));
            goes.extend(old.map(|(place, _)| place));
        }
        goes.sort_unstable();
        goes.dedup();
        goes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surplus(
        count: usize,
        age_us: Option<i64>,
        last_due_us: i64,
        kept: &[(i64, bool)],
    ) -> Vec<usize> {
        let kept: Vec<_> =
            kept.iter().map(|&(due_us, is_complete)| Kept { due_us, is_complete }).collect();
        Retention { count, age_us, last_due_us }.surplus(&kept)
    }

    const FIVE: [(i64, bool); 5] = [(1, true), (2, true), (3, true), (4, true), (5, true)];

    #[test]
    fn the_oldest_beyond_the_number_go() {
        assert_eq!(surplus(3, None, 5, &FIVE), [0, 1]);
        assert!(surplus(5, None, 5, &FIVE).is_empty());
        assert!(surplus(8, None, 5, &[]).is_empty());
        assert_eq!(surplus(0, None, 5, &FIVE), [0, 1, 2, 3], "the newest stays");
    }

    #[test]
    fn those_that_became_too_old_go_once_the_newest_is_there() {
        assert_eq!(surplus(9, Some(3), 5, &FIVE), [0, 1]);
        assert_eq!(surplus(2, Some(4), 5, &FIVE), [0, 1, 2]);
        // The snapshot of the last moment is not there.
        assert!(surplus(9, Some(3), 6, &FIVE).is_empty());
        assert_eq!(surplus(9, Some(0), 5, &FIVE), [0, 1, 2, 3], "the newest stays");
    }

    #[test]
    fn those_that_are_not_backed_up_displace_none_that_is() {
        let kept = [(1, true), (2, true), (3, false), (4, false), (5, false)];
        assert_eq!(surplus(2, Some(1), 5, &kept), [2]);
        assert_eq!(surplus(1, None, 5, &kept), [0, 2, 3]);
    }
}
