//! The installation id: by it the host knows its own objects on a shared back end.
//!
//! What it is not: a secret, nor a name that an operator chooses.
//!
//! **Invariant:** it fits into every name that a back end takes: lower-case letters, digits and
//! one hyphen, 16 characters.

use std::fmt;

const PREFIX: &str = "ins-";
const LETTERS: usize = 12;
/// Base 32 (RFC 4648) in lower case: no two of its letters look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of an installation: `ins-` and twelve letters of base 32, of 60 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstallationId(String);

impl InstallationId {
    /// A new id from 60 random bits; the four above them do not count.
    pub(super) fn from_random(mut bits: u64) -> Self {
        let mut text = String::from(PREFIX);
        for _ in 0..LETTERS {
            text.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        Self(text)
    }

    /// The id of a text that is one.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.strip_prefix(PREFIX)?;
        let is_id = letters.len() == LETTERS && letters.bytes().all(|b| ALPHABET.contains(&b));
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for bits in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = InstallationId::from_random(bits);
            assert_eq!(InstallationId::parse(id.as_str()), Some(id));
        }
        assert_eq!(InstallationId::from_random(1).as_str(), "ins-baaaaaaaaaaa");
    }

    #[test]
    fn other_texts_are_no_id() {
        for text in ["", "ins-", "ins-AAAAAAAAAAAA", "ins-aaaaaaaaaaa1", "aaaaaaaaaaaa"] {
            assert_eq!(InstallationId::parse(text), None, "{text}");
        }
    }
}
