//! When a snapshot policy is due: CloudStack's schedules, in the time of a zone.
//!
//! What it is not: a clock. Whoever asks says what time it is, and the time zones are those of the
//! binary, so an answer is the same on every machine.
//!
//! **Invariant:** a schedule has one moment for each hour, day, week or month. Where the clocks go
//! forward over the time of day that it says, that day's moment is as long after the change as it
//! would have been without it (02:30 is 03:30 then); where they go back over it, it is the first
//! of the two.

use super::failure::Failure;
use super::record::words;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Deserialize, Serialize};

words! {
    /// How often a policy is due.
    pub enum IntervalType {
        /// Each hour.
        Hourly = "HOURLY",
        /// Each day.
        Daily = "DAILY",
        /// Each week.
        Weekly = "WEEKLY",
        /// Each month.
        Monthly = "MONTHLY",
    }
}

impl IntervalType {
    /// CloudStack's number for it, which its answers have.
    pub const fn number(self) -> i32 {
        match self {
            Self::Hourly => 0,
            Self::Daily => 1,
            Self::Weekly => 2,
            Self::Monthly => 3,
        }
    }

    /// What a schedule of it looks like, for people.
    const fn form(self) -> &'static str {
        match self {
            Self::Hourly => "MM, the minute of each hour, such as 15",
            Self::Daily => "MM:HH, such as 30:02 for half past two",
            Self::Weekly => "MM:HH:D with D from 1 (Sunday) to 7, such as 30:02:1",
            Self::Monthly => "MM:HH:DD with DD from 1 to 28, such as 30:02:15",
        }
    }

    /// The fields of a schedule after the minute: the least and the greatest that they may be.
    const fn fields(self) -> &'static [(i8, i8)] {
        const MINUTE: (i8, i8) = (0, 59);
        const HOUR: (i8, i8) = (0, 23);
        match self {
            Self::Hourly => &[MINUTE],
            Self::Daily => &[MINUTE, HOUR],
            Self::Weekly => &[MINUTE, HOUR, (1, 7)],
            // Each month has a 28th.
            Self::Monthly => &[MINUTE, HOUR, (1, 28)],
        }
    }
}

/// When a policy is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How often.
    pub interval: IntervalType,
    /// At which minute, hour and day, as CloudStack writes it: `MM`, `MM:HH`, `MM:HH:DD`.
    pub text: String,
    /// The time zone in which that is meant: `Europe/Berlin`, `UTC`.
    pub timezone: String,
}

impl Schedule {
    /// A schedule that has moments.
    ///
    /// # Errors
    /// `InvalidArgument` for a text that is none of its interval, or a time zone that is not known.
    pub fn new(interval: IntervalType, text: &str, timezone: &str) -> Result<Self, Failure> {
        let schedule = Self { interval, text: text.to_owned(), timezone: timezone.to_owned() };
        schedule.fields()?;
        schedule.zone()?;
        Ok(schedule)
    }

    /// The first moment after another one, in microseconds since 1970 (UTC).
    ///
    /// # Errors
    /// `InvalidArgument` where it is no schedule (any more: a time zone that a later host does not
    /// know), or beyond the end of time.
    pub fn next_after(&self, after_us: i64) -> Result<i64, Failure> {
        let fields = self.fields()?;
        let zone = self.zone()?;
        let after = Timestamp::from_microsecond(after_us).map_err(|_| beyond(after_us))?;
        let next = match self.interval {
            IntervalType::Hourly => hourly(fields[0], after, &zone),
            _ => self.by_days(fields, after, &zone),
        };
        next.map(Timestamp::as_microsecond).ok_or_else(|| beyond(after_us))
    }

    /// The last moment that is not after another one, if there is one that is after `since_us`.
    ///
    /// # Errors
    /// As [`next_after`](Self::next_after).
    pub fn due(&self, since_us: i64, now_us: i64) -> Result<Option<i64>, Failure> {
        let first = self.next_after(since_us)?;
        if first > now_us {
            return Ok(None);
        }
        // Those in between were missed, and one snapshot now is as good as all of them. No interval
        // is longer than 32 days, so the last one is not far.
        let mut last = first;
        let mut next = self.next_after(last.max(now_us - LONGEST_US))?;
        while next <= now_us {
            last = next;
            next = self.next_after(next)?;
        }
        Ok(Some(last))
    }

    fn by_days(&self, fields: [i8; 3], after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let [minute, hour, day] = fields;
        let time = Time::new(hour, minute, 0, 0).ok()?;
        // The day before: a moment that the clocks skipped may lie on the next day.
        let mut date = after.to_zoned(zone.clone()).date().yesterday().ok()?;
        // Two months and a day hold one moment at least, whatever the interval.
        for _ in 0..63 {
            if self.is_on(date, day) {
                let moment = date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp();
                if moment > after {
                    return Some(moment);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn is_on(&self, date: Date, day: i8) -> bool {
        match self.interval {
            IntervalType::Hourly | IntervalType::Daily => true,
            IntervalType::Weekly => {
                Weekday::from_sunday_one_offset(day).is_ok_and(|day| date.weekday() == day)
            }
            IntervalType::Monthly => date.day() == day,
        }
    }

    /// Minute, hour and day; what the interval has not is 0.
    fn fields(&self) -> Result<[i8; 3], Failure> {
        let limits = self.interval.fields();
        let wrong = || {
            Failure::invalid(format!(
                "the schedule {:?} is none of a {} policy; write {}",
                self.text,
                self.interval,
                self.interval.form()
            ))
        };
        let mut fields = [0; 3];
        let mut parts = self.text.trim().split(':');
        for (field, (least, greatest)) in fields.iter_mut().zip(limits) {
            let text = parts.next().ok_or_else(wrong)?;
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            *field = text.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
            if !(*least..=*greatest).contains(field) {
                return Err(wrong());
            }
        }
        if parts.next().is_some() { Err(wrong()) } else { Ok(fields) }
    }

    fn zone(&self) -> Result<TimeZone, Failure> {
        TimeZone::get(&self.timezone).map_err(|_| {
            Failure::invalid(format!(
                "there is no time zone {:?}; write a name of the IANA database, such as UTC, \
                 Europe/Berlin or America/New_York",
                self.timezone
            ))
        })
    }
}

/// A moment as names have it: `20261124T023000Z`.
pub fn compact_time(us: i64) -> String {
    let moment = Timestamp::from_microsecond(us).unwrap_or_default();
    moment.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A time in which every schedule has a moment, in microseconds.
const LONGEST_US: i64 = 32 * 24 * 3600 * 1_000_000;

/// The next moment at a minute of the hour. Minute by minute: clocks may change by half an hour.
fn hourly(minute: i8, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);
    let begun = after
        .round(jiff::TimestampRound::new().smallest(Unit::Minute).mode(jiff::RoundMode::Floor));
    let mut moment = begun.ok()?;
    for _ in 0..180 {
        moment = moment.checked_add(MINUTE).ok()?;
        if moment.to_zoned(zone.clone()).minute() == minute {
            return Some(moment);
        }
    }
    None
}

fn beyond(us: i64) -> Failure {
    Failure::invalid(format!("there is no moment of a schedule after {us} µs since 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use IntervalType::{Daily, Hourly, Monthly, Weekly};
    use jiff::ToSpan as _;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn told(us: i64) -> String {
        Timestamp::from_microsecond(us).unwrap().to_string()
    }

    /// The moments of a schedule after another one.
    fn moments(
        (interval, text, zone): (IntervalType, &str, &str),
        after: &str,
        count: usize,
    ) -> Vec<String> {
        let schedule = Schedule::new(interval, text, zone).unwrap();
        let mut at = us(after);
        let mut all = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(at).unwrap();
            all.push(told(at));
        }
        all
    }

    #[test]
    fn each_interval_has_its_moments() {
        let of = |schedule, after| moments(schedule, after, 2);
        assert_eq!(
            of((Hourly, "15", "UTC"), "2026-11-24T07:15:00Z"),
            ["2026-11-24T08:15:00Z", "2026-11-24T09:15:00Z"]
        );
        // A zone whose hours begin at another minute.
        assert_eq!(
            of((Hourly, "0", "Asia/Kolkata"), "2026-11-24T07:15:30.5Z"),
            ["2026-11-24T07:30:00Z", "2026-11-24T08:30:00Z"]
        );
        assert_eq!(
            of((Daily, "30:02", "Europe/Berlin"), "2026-11-24T01:29:59Z"),
            ["2026-11-24T01:30:00Z", "2026-11-25T01:30:00Z"]
        );
        // 1 is Sunday, 7 is Saturday; 2026-11-24 is a Tuesday.
        assert_eq!(
            of((Weekly, "00:00:1", "UTC"), "2026-11-24T00:00:00Z"),
            ["2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"]
        );
        assert_eq!(
            of((Weekly, "00:00:7", "UTC"), "2026-11-24T00:00:00Z"),
            ["2026-11-28T00:00:00Z", "2026-12-05T00:00:00Z"]
        );
        assert_eq!(
            of((Monthly, "05:23:28", "America/New_York"), "2027-01-29T05:00:00Z"),
            ["2027-03-01T04:05:00Z", "2027-03-29T03:05:00Z"]
        );
        assert_eq!(
            of((Monthly, "0:0:1", "UTC"), "2026-12-01T00:00:00Z"),
            ["2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"]
        );
    }

    #[test]
    fn each_night_has_one_moment_whatever_the_clocks_do() {
        let berlin = (Daily, "30:02", "Europe/Berlin");
        // 02:30 is not there on 2027-03-28: an hour later by the clock, at the same distance.
        assert_eq!(
            moments(berlin, "2027-03-27T00:00:00Z", 3),
            ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"]
        );
        // 02:30 is there twice on 2027-10-31: the first one counts.
        assert_eq!(
            moments(berlin, "2027-10-30T00:00:00Z", 3),
            ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]
        );
        // Midnight itself is skipped where the clocks go forward at it.
        assert_eq!(
            moments((Daily, "0:0", "Africa/Cairo"), "2027-04-28T23:00:00Z", 3),
            ["2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z", "2027-05-01T21:00:00Z"]
        );
        // A day that a place left out, at the date line, has the moment of the day after.
        assert_eq!(
            moments((Daily, "0:12", "Pacific/Apia"), "2011-12-29T00:00:00Z", 3),
            ["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z"]
        );
    }

    #[test]
    fn hours_go_on_whatever_the_clocks_do() {
        assert_eq!(
            moments((Hourly, "15", "Europe/Berlin"), "2027-10-31T00:00:00Z", 3),
            ["2027-10-31T00:15:00Z", "2027-10-31T01:15:00Z", "2027-10-31T02:15:00Z"]
        );
        // Here the clocks change by half an hour, and back by as much: at 02:00 it is 01:30.
        assert_eq!(
            moments((Hourly, "15", "Australia/Lord_Howe"), "2027-04-03T13:30:00Z", 3),
            ["2027-04-03T14:15:00Z", "2027-04-03T15:45:00Z", "2027-04-03T16:45:00Z"]
        );
    }

    #[test]
    fn many_missed_moments_are_one_that_is_due() {
        let schedule = Schedule::new(Hourly, "15", "UTC").unwrap();
        let due = |since, now| schedule.due(us(since), us(now)).unwrap().map(told);
        assert_eq!(due("2026-11-24T07:15:00Z", "2026-11-24T08:14:59Z"), None);
        let at = Some("2026-11-24T08:15:00Z".to_owned());
        assert_eq!(due("2026-11-24T07:15:00Z", "2026-11-24T08:15:00Z"), at);
        assert_eq!(due("2016-11-24T07:15:00Z", "2026-11-24T08:16:00Z"), at);
        assert_eq!(due("2026-11-24T08:15:00Z", "2026-11-24T08:16:00Z"), None);
        // The clock was set back since.
        assert_eq!(due("2026-11-24T08:15:00Z", "2026-11-24T07:16:00Z"), None);
        let monthly = Schedule::new(Monthly, "0:0:28", "Pacific/Kiritimati").unwrap();
        let due = monthly.due(us("2000-01-01T00:00:00Z"), us("2027-03-27T09:59:59Z")).unwrap();
        assert_eq!(due.map(told), Some("2027-02-27T10:00:00Z".to_owned()));
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_its_form() {
        for (interval, text) in [
            (Hourly, "60"),
            (Hourly, "-1"),
            (Hourly, "+1"),
            (Hourly, ""),
            (Hourly, "1:1"),
            (Daily, "15"),
            (Daily, "15:24"),
            (Weekly, "15:3:0"),
            (Weekly, "15:3:8"),
            (Monthly, "15:3:29"),
            (Monthly, "15:3:1:1"),
            (Monthly, "15:3:x"),
        ] {
            let refused = Schedule::new(interval, text, "UTC").unwrap_err();
            assert!(refused.message.contains(interval.form()), "{text}: {refused}");
        }
        let refused = Schedule::new(Daily, "0:0", "Europe/Atlantis").unwrap_err();
        assert!(refused.message.contains("no time zone \"Europe/Atlantis\""), "{refused}");
    }

    /// Every quarter of an hour of four years, in zones of every kind of change: never early, never
    /// twice, and never more than a day, an hour or a month is left out.
    #[test]
    fn moments_come_in_order_and_none_is_left_out() {
        for zone in ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"] {
            for (interval, text, longest) in [
                (Daily, "30:02", 25.hours()),
                (Weekly, "30:02:1", (7 * 24 + 1).hours()),
                (Monthly, "30:02:28", (31 * 24 + 1).hours()),
            ] {
                let schedule = Schedule::new(interval, text, zone).unwrap();
                let mut at = us("2016-01-01T00:00:00Z");
                at = schedule.next_after(at).unwrap();
                while at < us("2020-01-01T00:00:00Z") {
                    let next = schedule.next_after(at).unwrap();
                    let latest = Timestamp::from_microsecond(at).unwrap() + longest;
                    assert!(next > at && next <= latest.as_microsecond(), "{zone} {}", told(at));
                    assert_eq!(schedule.next_after(next - 1).unwrap(), next);
                    at = next;
                }
            }
        }
    }
}
