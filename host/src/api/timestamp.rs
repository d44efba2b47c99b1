//! Moments as clients write and read them.
//!
//! Written: `2026-11-24T07:30:00+0000`, CloudStack's form. Read: the same, with any offset, with
//! or without its colon, or `Z`. Days are read too, as midnight UTC.

use std::time::{Duration, SystemTime};

/// The length of a date and a time of day, `2026-11-24T07:30:00`.
const LOCAL: usize = 19;

/// Writes a moment, to the second.
pub fn format_timestamp(moment: SystemTime) -> String {
    let mut text = humantime::format_rfc3339_seconds(moment).to_string();
    text.truncate(LOCAL);
    text.push_str("+0000");
    text
}

/// A moment of the store as CloudStack writes it.
pub(super) fn format_us(micros: i64) -> String {
    let since = std::time::Duration::from_micros(u64::try_from(micros).unwrap_or_default());
    format_timestamp(SystemTime::UNIX_EPOCH + since)
}

/// A moment in microseconds since 1970 (UTC), as the store keeps it.
pub(super) fn micros(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a moment; `None` for a text of another form.
pub fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let (local, offset) = text.split_at_checked(LOCAL)?;
    let utc = utc(local)?;
    if offset == "Z" {
        return Some(utc);
    }
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let seconds = two_digits(hours, 18)? * 3600 + two_digits(minutes, 59)? * 60;
    match sign {
        "+" => utc.checked_sub(Duration::from_secs(seconds)),
        "-" => utc.checked_add(Duration::from_secs(seconds)),
        _ => None,
    }
}

/// Reads a day, or a day and a time of day, in UTC; `None` for a text of another form.
pub(super) fn parse_day(text: &str) -> Option<SystemTime> {
    if text.len() == LOCAL {
        let (day, time) = text.split_once(' ')?;
        return utc(&format!("{day}T{time}"));
    }
    utc(&format!("{text}T00:00:00"))
}

fn utc(local: &str) -> Option<SystemTime> {
    // The parser takes fractions as well, which no client writes.
    (local.len() == LOCAL).then(|| humantime::parse_rfc3339(&format!("{local}Z")).ok())?
}

fn two_digits(text: &str, at_most: u64) -> Option<u64> {
    let all_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&value| all_digits && value <= at_most)
}

#[cfg(test)]
mod tests {
    use super::{format_timestamp, parse_day, parse_timestamp};

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse_timestamp(text).map(format_timestamp).as_deref(), expected, "{text}");
    }

    #[test]
    fn moments_of_all_clients_are_read() {
        check("2026-11-24T02:25:52+0000", Some("2026-11-24T02:25:52+0000"));
        check("2026-11-24T02:25:52Z", Some("2026-11-24T02:25:52+0000"));
        check("2026-11-24T02:25:52+00:00", Some("2026-11-24T02:25:52+0000"));
        check("2026-11-24T02:25:52+05:30", Some("2026-11-23T20:55:52+0000"));
        check("2026-11-24T23:25:52-0100", Some("2026-11-25T00:25:52+0000"));
    }

    #[test]
    fn other_texts_are_not_moments() {
        for text in [
            "",
            "soon",
            "2026-11-24",
            "2026-11-24T02:25:52",
            "2026-11-24T02:25:52 0000",
            "2026-11-24T02:25:52+",
            "2026-11-24T02:25:52+00",
            "2026-11-24T02:25:52++100",
            "2026-11-24T02:25:52+99:00",
            "2026-13-24T02:25:52Z",
            "2026-11-24T02:25:52ZZ",
            "2026-11-24T02:25:5é+0000",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn days_are_midnight_utc() {
        let day = |text| parse_day(text).map(format_timestamp);
        assert_eq!(day("2026-11-24").as_deref(), Some("2026-11-24T00:00:00+0000"));
        assert_eq!(day("2026-11-24 07:30:00").as_deref(), Some("2026-11-24T07:30:00+0000"));
        assert_eq!(day("24.11.2026"), None);
        assert_eq!(day("2026-11-24T07:30:00"), None);
    }
}
