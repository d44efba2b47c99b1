//! Effective values as the file would write them, for `config check`.
//!
//! What it is not: a serialisation to be read back; a path that is not UTF-8 is shown lossily.
//!
//! **Invariant:** settings have no form here, so their values cannot be shown by accident.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::duration::DurationText;
use super::words::{Word, word_of};

/// How an effective value is shown.
pub(super) trait Show {
    /// Returns the value as the file would write it.
    fn show(&self) -> Value;
}

impl<T: Word> Show for T {
    fn show(&self) -> Value {
        json!(word_of(*self))
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, Show::show)
    }
}

impl Show for bool {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Show for f64 {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Show for u64 {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Show for Vec<String> {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Show for String {
    fn show(&self) -> Value {
        json!(self)
    }
}

impl Show for SocketAddr {
    fn show(&self) -> Value {
        json!(self.to_string())
    }
}

impl Show for PathBuf {
    fn show(&self) -> Value {
        json!(self.to_string_lossy())
    }
}

impl Show for Duration {
    fn show(&self) -> Value {
        json!(DurationText(*self).to_string())
    }
}

impl Show for [u8; 32] {
    fn show(&self) -> Value {
        json!(self.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}
