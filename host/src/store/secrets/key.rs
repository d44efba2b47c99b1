//! The secret key of an installation, and where the host gets it from.
//!
//! What it is not: the file it may lie in (`key_file`).
//!
//! **Invariant:** a key is overwritten when it is dropped, and `Debug` does not show it.

use std::fmt;

use zeroize::Zeroizing;

use crate::store::{directory::Directory, hex};

/// How long a key is, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// A key of 256 bits.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

impl SecretKey {
    /// The key of a text of 64 hexadecimal digits; `None` for any other text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = hex::decode(text.trim_ascii())?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(&bytes);
        Some(Self(key))
    }

    /// A new key.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *key)?;
        Ok(Self(key))
    }

    /// The key as text.
    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(&*self.0))
    }

    /// The key itself.
    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl From<[u8; KEY_BYTES]> for SecretKey {
    fn from(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The file `secret.key` of the data directory; created with a new key where neither the file
    /// nor a sealed secret exists.
    File,
    /// The caller has it, from the environment or elsewhere. A file is not looked at.
    Given(SecretKey),
}

impl KeySource {
    /// What a message calls it.
    pub(super) fn origin(&self, directory: &Directory) -> String {
        match self {
            Self::File => format!("{:?}", directory.file(super::key_file::NAME)),
            Self::Given(_) => "the environment".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = SecretKey::generate().unwrap();
        let text = format!("{}\n", *key.to_hex());
        assert_eq!(SecretKey::from_hex(&text).unwrap().expose(), key.expose());
    }

    #[test]
    fn other_texts_are_no_key() {
        let long = "0".repeat(66);
        for text in ["", "00", &long, &long[..63], &"g".repeat(64)] {
            assert!(SecretKey::from_hex(text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        let source = KeySource::Given([7; KEY_BYTES].into());
        assert_eq!(format!("{source:?}"), "Given(SecretKey(hidden))");
    }
}
