//! What an image cache gives up.
//!
//! What it is not: the removal. It is arithmetic on what the records say.
//!
//! **Invariant:** nothing that an operation uses goes, and nothing goes in vain.

use super::choice::is_beyond;
use crate::orchestration::rooms::CachePolicy;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// Something that a cache has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cached {
    pub(super) one: Uuid,
    pub(super) bytes: u64,
    /// In microseconds since 1970.
    pub(super) last_used_us: i64,
    pub(super) is_in_use: bool,
}

/// How full a cache is, in bytes, and what is about to come. A capacity of 0 is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) used: u64,
    pub(super) capacity: u64,
    pub(super) coming: u64,
}

/// Why something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::orchestration) enum Why {
    /// Nobody used it for so long.
    Age(Duration),
    /// The cache is too full.
    Size,
    /// The operator wants the cache to be empty.
    Asked,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(age) => write!(f, "nobody used it for {}", humantime::format_duration(*age)),
            Self::Size => f.write_str("space is needed, and it was used longest ago"),
            Self::Asked => f.write_str("the cache is emptied"),
        }
    }
}

/// What goes, and why: what is too old; and, where the cache is too full, what was used longest
/// ago.
pub(super) fn evictions(
    fill: Fill,
    mut cached: Vec<Cached>,
    policy: &CachePolicy,
    now_us: i64,
) -> Vec<(Uuid, Why)> {
    cached.retain(|one| !one.is_in_use);
    cached.sort_by_key(|one| (one.last_used_us, one.one));
    let mut used = fill.used.saturating_add(fill.coming);
    let mut gone = Vec::new();
    cached.retain(|one| {
        let age = u64::try_from(now_us.saturating_sub(one.last_used_us)).unwrap_or_default();
        let age = Duration::from_secs(age / 1_000_000);
        let is_old = age > policy.max_age;
        if is_old {
            used = used.saturating_sub(one.bytes);
            gone.push((one.one, Why::Age(age)));
        }
        !is_old
    });
    let least = cached.iter().fold(used, |used, one| used.saturating_sub(one.bytes));
    // Where all of it is not enough, what is there may as well stay.
    if !is_beyond(used, fill.capacity, policy.high_watermark)
        || is_beyond(least, fill.capacity, policy.high_watermark)
    {
        return gone;
    }
    for one in cached {
        if !is_beyond(used, fill.capacity, policy.low_watermark) {
            break;
        }
        used = used.saturating_sub(one.bytes);
        gone.push((one.one, Why::Size));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 24 * 3_600 * 1_000_000;
    const NOW: i64 = 100 * DAY_US;

    fn cached(number: u128, bytes: u64, days_ago: i64, is_in_use: bool) -> Cached {
        let last_used_us = NOW - days_ago * DAY_US;
        Cached { one: Uuid::from_u128(number), bytes, last_used_us, is_in_use }
    }

    /// What goes by size, and what by age.
    fn gone(fill: (u64, u64, u64), cached: &[Cached]) -> (Vec<u128>, Vec<u128>) {
        let (used, capacity, coming) = fill;
        let fill = Fill { used, capacity, coming };
        let gone = evictions(fill, cached.to_vec(), &CachePolicy::default(), NOW);
        let of = |wanted: fn(&Why) -> bool| {
            gone.iter().filter(|(_, why)| wanted(why)).map(|(one, _)| one.as_u128()).collect()
        };
        (of(|why| *why == Why::Size), of(|why| matches!(why, Why::Age(_))))
    }

    #[test]
    fn what_was_used_longest_ago_goes_until_the_low_watermark() {
        let all = [cached(1, 20, 3, false), cached(2, 20, 9, false), cached(3, 20, 5, false)];
        assert_eq!(gone((91, 100, 0), &all), (vec![2, 3], vec![]));
        assert_eq!(gone((80, 100, 11), &all), (vec![2, 3], vec![]));
        // At the high watermark nothing goes yet.
        assert_eq!(gone((90, 100, 0), &all), (vec![], vec![]));
    }

    #[test]
    fn what_is_in_use_stays_however_old_it_is() {
        let all = [cached(1, 30, 90, true), cached(2, 30, 1, false)];
        assert_eq!(gone((91, 100, 0), &all), (vec![2], vec![]));
    }

    #[test]
    fn what_nobody_used_for_long_goes_although_there_is_room() {
        let all = [cached(1, 30, 31, false), cached(2, 30, 29, false)];
        assert_eq!(gone((60, 100, 0), &all), (vec![], vec![1]));
        // Its space counts as free then.
        assert_eq!(gone((95, 100, 0), &all), (vec![], vec![1]));
        assert_eq!(gone((0, 0, 0), &all), (vec![], vec![1]));
    }

    #[test]
    fn nothing_goes_in_vain() {
        let all = [cached(1, 10, 3, false), cached(2, 10, 9, false)];
        // Others have filled the disk, or what comes is too large: it would not help.
        assert_eq!(gone((120, 100, 0), &all), (vec![], vec![]));
        assert_eq!(gone((20, 100, 95), &all), (vec![], vec![]));
        assert_eq!(gone((20, 100, 90), &all), (vec![2, 1], vec![]));
    }
}
