//! Readers of single values: a raw value in, a typed one or a refusal out.
//!
//! What it is not: it knows no key and no place; the walker adds both. Values of `settings` do not
//! pass here, so a refusal may quote what it refuses.
//!
//! **Invariant:** every refusal says what to write instead.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::duration::{DurationText, DurationTextError};
use super::words::{Word, alternatives, parse_word, quote};

/// Longest timeout: beyond a day, a stuck call is an outage rather than a wait.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// A value as it was written, in the file or in a variable.
#[derive(Clone, Copy)]
pub(super) enum Raw<'a> {
    /// A value of the file.
    Toml(&'a DeValue<'a>),
    /// A variable of the environment.
    Text(&'a str),
}

/// Why a value is not taken and what to write instead.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(DeValue::String(text)) => f.write_str(&quote(text)),
            Self::Toml(DeValue::Integer(number)) => write!(f, "{number}"),
            Self::Toml(DeValue::Float(number)) => write!(f, "{number}"),
            Self::Toml(DeValue::Boolean(truth)) => write!(f, "{truth}"),
            Self::Toml(DeValue::Datetime(time)) => write!(f, "{time}"),
            Self::Toml(DeValue::Array(_)) => f.write_str("an array"),
            Self::Toml(DeValue::Table(_)) => f.write_str("a table"),
            Self::Text(text) => f.write_str(&quote(text)),
        }
    }
}

impl<'a> Raw<'a> {
    /// Returns the text, if it is one.
    fn text(self, example: &str) -> Result<&'a str, Refusal> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Toml(DeValue::String(text)) => Ok(text),
            Self::Toml(_) => Err(self.refuse("is not a string", example)),
        }
    }

    /// Refuses the value; `what` says what it fails to be, `instead` what to write.
    fn refuse(self, what: &str, instead: &str) -> Refusal {
        Refusal(format!("{self} {what}; {instead}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an IP address with a port.
pub(super) fn address(raw: Raw<'_>) -> Result<SocketAddr, Refusal> {
    let example = "write for example \"127.0.0.1:8250\"";
    let text = raw.text(example)?;
    text.parse().map_err(|_| raw.refuse("is not an IP address with a port", example))
}

/// Reads a path; it stays as written.
pub(super) fn path(raw: Raw<'_>) -> Result<PathBuf, Refusal> {
    let example = "write a path, relative to the directory of the configuration file or absolute";
    let text = raw.text(example)?;
    if text.is_empty() || text.contains('\0') {
        return Err(raw.refuse("is not a path", example));
    }
    Ok(PathBuf::from(text))
}

/// Reads a timeout: more than nothing, at most a day.
pub(super) fn timeout(raw: Raw<'_>) -> Result<Duration, Refusal> {
    let example = "write a number and a unit, for example \"500ms\", \"30s\" or \"5m\"";
    let text = raw.text(example)?;
    let DurationText(duration) =
        text.parse().map_err(|DurationTextError| raw.refuse("is not a duration", example))?;
    if duration.is_zero() || duration > MAX_TIMEOUT {
        return Err(raw.refuse("is out of range", "write at most \"24h\" and more than \"0s\""));
    }
    Ok(duration)
}

/// Longest delay: beyond a year, nothing is kept on purpose.
const MAX_DELAY: Duration = Duration::from_hours(365 * 24);

/// Reads a delay: nothing at all, or at most a year.
pub(super) fn delay(raw: Raw<'_>) -> Result<Duration, Refusal> {
    let example = "write a number and a unit, for example \"24h\", \"30m\" or \"0s\"";
    let text = raw.text(example)?;
    let DurationText(duration) =
        text.parse().map_err(|DurationTextError| raw.refuse("is not a duration", example))?;
    if duration > MAX_DELAY {
        return Err(raw.refuse("is out of range", "write at most \"365days\""));
    }
    Ok(duration)
}

/// Reads a part of a whole: more than nothing, at most all of it.
pub(super) fn part(raw: Raw<'_>) -> Result<f64, Refusal> {
    let example = "write a number of more than 0 and at most 1, for example 0.85";
    let value = number(raw, example)?;
    if value > 0.0 && value <= 1.0 {
        return Ok(value);
    }
    Err(raw.refuse("is out of range", example))
}

/// Reads a factor that makes nothing smaller.
pub(super) fn factor(raw: Raw<'_>) -> Result<f64, Refusal> {
    let example = "write a number from 1 to 100, for example 2.0";
    let value = number(raw, example)?;
    if (1.0..=100.0).contains(&value) {
        return Ok(value);
    }
    Err(raw.refuse("is out of range", example))
}

fn number(raw: Raw<'_>, example: &str) -> Result<f64, Refusal> {
    let text = match raw {
        Raw::Toml(DeValue::Float(number)) => number.to_string(),
        Raw::Toml(DeValue::Integer(number)) => number.to_string(),
        Raw::Toml(_) => return Err(raw.refuse("is not a number", example)),
        Raw::Text(text) => text.to_owned(),
    };
    text.replace('_', "").parse().map_err(|_| raw.refuse("is not a number", example))
}

/// Reads the name of a provider, as the plugin has it.
pub(super) fn provider_name(raw: Raw<'_>) -> Result<String, Refusal> {
    let example = "write the name of a provider, as `storage-host plugins list` shows it";
    let text = raw.text(example)?;
    if text.trim().is_empty() {
        return Err(raw.refuse("is no name", example));
    }
    Ok(text.to_owned())
}

/// Reads networks, addresses and names of hosts.
pub(super) fn sources(raw: Raw<'_>) -> Result<Vec<String>, Refusal> {
    let example = "write networks, addresses and names of hosts, [\"10.1.0.0/16\", \"mirror\"]";
    // What the entries are is told by whoever downloads.
    list(raw, example)
}

/// Reads absolute paths.
pub(super) fn directories(raw: Raw<'_>) -> Result<Vec<String>, Refusal> {
    let example = "write absolute paths of directories, [\"/srv/images\"]";
    let list = list(raw, example)?;
    match list.iter().all(|path| path.starts_with('/')) {
        true => Ok(list),
        false => Err(raw.refuse("has a path that is not absolute", example)),
    }
}

/// Reads the URL of a proxy, or nothing.
pub(super) fn proxy(raw: Raw<'_>) -> Result<String, Refusal> {
    let example = "write http://host:port, or \"\" for none";
    let text = raw.text(example)?;
    match text.is_empty() || text.starts_with("http://") {
        true => Ok(text.to_owned()),
        // The text may hold a password.
        false => Err(Refusal(format!("it is no proxy; {example}"))),
    }
}

/// Reads a number of bytes, of more than nothing.
pub(super) fn bytes(raw: Raw<'_>) -> Result<u64, Refusal> {
    let example = "write a number of bytes, for example 53_687_091_200";
    let text = match raw {
        Raw::Toml(DeValue::Integer(number)) => number.to_string(),
        Raw::Toml(_) => return Err(raw.refuse("is not a whole number", example)),
        Raw::Text(text) => text.replace('_', ""),
    };
    match text.parse() {
        Ok(0) => Err(raw.refuse("is nothing", example)),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(raw.refuse("is not a whole number", example)),
    }
}

/// A list of texts; in a variable they are separated by commas.
fn list(raw: Raw<'_>, example: &str) -> Result<Vec<String>, Refusal> {
    let texts = match raw {
        Raw::Text(text) => text.split(',').map(|one| one.trim().to_owned()).collect(),
        Raw::Toml(DeValue::Array(values)) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Ok(text.trim().to_owned()),
                _ => Err(raw.refuse("has an entry that is not a string", example)),
            });
            texts.collect::<Result<Vec<_>, _>>()?
        }
        Raw::Toml(_) => return Err(raw.refuse("is not an array of strings", example)),
    };
    Ok(texts.into_iter().filter(|text: &String| !text.is_empty()).collect())
}

/// Reads a truth value.
pub(super) fn boolean(raw: Raw<'_>) -> Result<bool, Refusal> {
    let refusal = || raw.refuse("is not a boolean", "write true or false, without quotes");
    match raw {
        Raw::Toml(DeValue::Boolean(truth)) => Ok(*truth),
        Raw::Toml(_) => Err(refusal()),
        Raw::Text(text) => text.parse().map_err(|_| refusal()),
    }
}

/// Reads one of the words of a type.
pub(super) fn word<T: Word>(raw: Raw<'_>) -> Result<T, Refusal> {
    let known = alternatives(T::WORDS.iter().map(|(word, _)| *word));
    let text = raw.text(&format!("write {known}"))?;
    parse_word(text).map_err(|unknown| Refusal(unknown.to_string()))
}

/// Reads a SHA-256 digest in hexadecimal.
pub(super) fn sha256(raw: Raw<'_>) -> Result<[u8; 32], Refusal> {
    let example = "write the 64 hexadecimal digits that sha256sum prints";
    let text = raw.text(example)?;
    let refusal = || raw.refuse("is not a SHA-256 digest", example);
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refusal());
    }
    let mut digest = [0; 32];
    for (index, byte) in digest.iter_mut().enumerate() {
        let digits = text.get(2 * index..2 * index + 2).ok_or_else(refusal)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| refusal())?;
    }
    Ok(digest)
}

/// Reads the name of a plugin.
pub(super) fn plugin_name(raw: Raw<'_>) -> Result<String, Refusal> {
    let rule = "write 1 to 63 lower-case letters, digits and hyphens, a letter or digit at either \
                end, for example \"sample\"";
    let text = raw.text(rule)?;
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphen_outside = text.starts_with('-') || text.ends_with('-');
    if text.is_empty() || text.len() > 63 || hyphen_outside || !text.chars().all(known) {
        return Err(raw.refuse("is not a plugin name", rule));
    }
    Ok(text.to_owned())
}

/// Reads the bare name of a library, to which the platform's prefix and suffix are added later.
pub(super) fn library_name(raw: Raw<'_>) -> Result<String, Refusal> {
    let rule = "write a bare name of letters, digits, hyphens and underscores, at most 128, for \
                example \"storage_volume_sample\"; its directory follows from the kind";
    let text = raw.text(rule)?;
    let known = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let bare = |name: &str| (1..=128).contains(&name.len()) && name.chars().all(known);

    let stem = [".so", ".dylib", ".dll"].iter().find_map(|suffix| text.strip_suffix(suffix));
    let own = stem.unwrap_or(text);
    let own = own.strip_prefix("lib").filter(|name| !name.is_empty()).unwrap_or(own);
    if own != text && bare(own) {
        let instead = format!("the host adds prefix and suffix: write \"{own}\"");
        return Err(raw.refuse("is a file name", &instead));
    }
    if !bare(text) {
        return Err(raw.refuse("is not a library name", rule));
    }
    Ok(text.to_owned())
}
