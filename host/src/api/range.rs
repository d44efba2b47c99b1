//! The header `Range` (RFC 9110, section 14), of one range of bytes.

use std::ops::Range;

/// What of a file is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: no range, several, or one of another unit, all of which may be ignored.
    Whole,
    /// These bytes, of which there is at least one.
    Part(Range<u64>),
    /// None that there are.
    Unsatisfiable,
}

/// What a header asks for of a file of a length.
pub(super) fn asked(header: Option<&str>, length: u64) -> Asked {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let text = text.trim();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // One that no file is as long as is a number all the same.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first.trim().is_empty(), number(first), number(last)) {
        (true, _, Some(count)) => length.saturating_sub(count)..length,
        (false, Some(first), None) if last.trim().is_empty() => first..length,
        (false, Some(first), Some(last)) if first <= last => {
            first..last.saturating_add(1).min(length)
        }
        _ => return Asked::Whole,
    };
    if range.start >= length || range.is_empty() {
        Asked::Unsatisfiable
    } else {
        Asked::Part(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_as_it_is_meant() {
        for (text, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("bytes=5-", 5..100),
            ("bytes=-10", 90..100),
            ("bytes=-1000", 0..100),
            ("bytes=90-1000", 90..100),
            ("bytes=99-99999999999999999999999", 99..100),
            (" bytes= 1 - 2 ", 1..3),
        ] {
            assert_eq!(asked(Some(text), 100), Asked::Part(range), "{text}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-1",
            "bytes=0-1,5-6",
            "lines=1-2",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=--1",
        ] {
            assert_eq!(asked(Some(text), 100), Asked::Whole, "{text}");
        }
        assert_eq!(asked(None, 100), Asked::Whole);
    }

    #[test]
    fn a_range_behind_the_end_is_none() {
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(Some(text), 100), Asked::Unsatisfiable, "{text}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
    }
}
