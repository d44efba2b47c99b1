//! Durations as the file writes them: `500ms`, `30s`, `5m`, `1h 30m`.
//!
//! What it is not: a limit. Which durations make sense is the matter of the key.
//!
//! **Invariant:** what [`DurationText`] displays, it parses back to the same duration.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longer texts are refused unread: the parser may overflow on sums near its own limit, and no
/// sensible duration needs more.
const MAX_CHARS: usize = 20;

/// A duration that is written with units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DurationText(pub Duration);

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurationTextError;

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl FromStr for DurationText {
    type Err = DurationTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() > MAX_CHARS {
            return Err(DurationTextError);
        }
        humantime::parse_duration(text).map(Self).map_err(|_| DurationTextError)
    }
}

impl fmt::Display for DurationTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a duration; write a number and a unit, such as 500ms, 30s or 5m")
    }
}

impl Error for DurationTextError {}
