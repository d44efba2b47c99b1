//! A checksum that a caller gives, in every form that CloudStack takes.
//!
//! What it is: the value to expect of a file as its author published it, computed as the bytes
//! pass. What it is not: the digest that this product keeps of an object; that is
//! [`Digest`](super::Digest), over the bytes of the disk.
//!
//! **Invariant:** a checksum knows its algorithm; a value of an unclear one is refused, not
//! guessed.

use sha2::digest::DynDigest;
use std::fmt;
use std::str::FromStr;
use storage_plugin_api::{PluginError, PluginResult};

/// What a checksum is computed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChecksumAlgorithm {
    /// MD5: tells a broken download, not a forged one.
    Md5,
    /// SHA-1: tells a broken download, not a forged one.
    Sha1,
    /// SHA-2 with 224 bits.
    Sha224,
    /// SHA-2 with 256 bits.
    Sha256,
    /// SHA-2 with 384 bits.
    Sha384,
    /// SHA-2 with 512 bits.
    Sha512,
    /// BLAKE3, as this product writes it itself.
    Blake3,
}

/// Each algorithm, its word, and the digits of its value in hexadecimal.
const ALGORITHMS: [(ChecksumAlgorithm, &str, usize); 7] = [
    (ChecksumAlgorithm::Md5, "MD5", 32),
    (ChecksumAlgorithm::Sha1, "SHA-1", 40),
    (ChecksumAlgorithm::Sha224, "SHA-224", 56),
    (ChecksumAlgorithm::Sha256, "SHA-256", 64),
    (ChecksumAlgorithm::Sha384, "SHA-384", 96),
    (ChecksumAlgorithm::Sha512, "SHA-512", 128),
    // After SHA-256: a bare value of 64 digits is the one that everybody publishes.
    (ChecksumAlgorithm::Blake3, "BLAKE3", 64),
];

impl ChecksumAlgorithm {
    /// By its name, whatever its case, with or without the hyphen.
    fn named(name: &str) -> Option<Self> {
        let plain = |name: &str| name.trim().replace(['-', '_'], "").to_ascii_uppercase();
        let wanted = plain(name);
        // Java calls it so, and with it CloudStack.
        if wanted == "SHA" {
            return Some(Self::Sha1);
        }
        ALGORITHMS.iter().find(|(_, name, _)| plain(name) == wanted).map(|row| row.0)
    }

    /// By the digits of a bare value.
    fn of_length(digits: usize) -> Option<Self> {
        ALGORITHMS.iter().find(|row| row.2 == digits).map(|row| row.0)
    }

    fn row(self) -> (&'static str, usize) {
        let row = ALGORITHMS.iter().find(|row| row.0 == self);
        row.map_or(("", 0), |row| (row.1, row.2))
    }

    fn hasher(self) -> Inner {
        Inner::Dynamic(match self {
            Self::Md5 => Box::<md5::Md5>::default(),
            Self::Sha1 => Box::<sha1::Sha1>::default(),
            Self::Sha224 => Box::<sha2::Sha224>::default(),
            Self::Sha256 => Box::<sha2::Sha256>::default(),
            Self::Sha384 => Box::<sha2::Sha384>::default(),
            Self::Sha512 => Box::<sha2::Sha512>::default(),
            Self::Blake3 => return Inner::Blake3(Box::default()),
        })
    }
}

impl fmt::Display for ChecksumAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)
    }
}

/// A checksum, as a caller gave it or as it was computed. Shown as `{SHA-256}hex`.
#[derive(Clone, PartialEq, Eq)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    /// In lower case.
    hex: String,
}

impl Checksum {
    /// What it is computed with.
    pub fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    /// The value in hexadecimal, in lower case, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// What computes the checksum of the bytes that this one is expected of.
    pub fn hasher(&self) -> ChecksumHasher {
        ChecksumHasher { algorithm: self.algorithm, inner: self.algorithm.hasher() }
    }

    /// Holds what was found against this, the expected one.
    ///
    /// # Errors
    /// `Corrupt`, with both values.
    pub fn verify(&self, found: &Self) -> PluginResult<()> {
        if self == found {
            return Ok(());
        }
        Err(PluginError::corrupt(format!(
            "the bytes have the checksum {found}, and {self} is expected: the source has another \
             file than the checksum is of, or the bytes were changed on their way; compare the \
             checksum with the one that its author publishes"
        )))
    }
}

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        let text = text.trim();
        let (algorithm, hex) = match text.strip_prefix('{') {
            Some(rest) => {
                let (name, hex) = rest.split_once('}').ok_or(ChecksumError::Unclosed)?;
                let algorithm = ChecksumAlgorithm::named(name)
                    .ok_or_else(|| ChecksumError::UnknownAlgorithm(name.to_owned()))?;
                (algorithm, hex.trim())
            }
            None => {
                let algorithm = ChecksumAlgorithm::of_length(text.len())
                    .ok_or(ChecksumError::UnclearLength(text.len()))?;
                (algorithm, text)
            }
        };
        if let Some(other) = hex.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(ChecksumError::NotHexadecimal(other));
        }
        let wanted = algorithm.row().1;
        if hex.len() != wanted {
            return Err(ChecksumError::WrongLength { algorithm, wanted, found: hex.len() });
        }
        Ok(Self { algorithm, hex: hex.to_ascii_lowercase() })
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}{}", self.algorithm, self.hex)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no checksum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// `{MD5` without its end.
    #[error("the checksum begins with '{{' and has no '}}': write it as {{SHA-256}}hex, or as hex")]
    Unclosed,
    /// A name that is none.
    #[error(
        "the checksum names the algorithm {0:?}: it is one of MD5, SHA-1, SHA-224, SHA-256, \
         SHA-384, SHA-512, BLAKE3"
    )]
    UnknownAlgorithm(String),
    /// A bare value that fits no algorithm.
    #[error(
        "a checksum of {0} digits is of no algorithm: MD5 has 32, SHA-1 40, SHA-224 56, SHA-256 \
         64, SHA-384 96, SHA-512 128"
    )]
    UnclearLength(usize),
    /// A value that does not fit its algorithm.
    #[error("a checksum of {algorithm} has {wanted} digits, and this one {found}")]
    WrongLength {
        /// The algorithm that was named.
        algorithm: ChecksumAlgorithm,
        /// The digits that it has.
        wanted: usize,
        /// The digits that were given.
        found: usize,
    },
    /// Something else than digits.
    #[error("the checksum has {0:?} in it, and hexadecimal digits are 0-9 and a-f")]
    NotHexadecimal(char),
}

/// Computes a checksum as the bytes pass.
pub struct ChecksumHasher {
    algorithm: ChecksumAlgorithm,
    inner: Inner,
}

enum Inner {
    Dynamic(Box<dyn DynDigest + Send>),
    Blake3(Box<blake3::Hasher>),
}

impl ChecksumHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.inner {
            Inner::Dynamic(digest) => digest.update(bytes),
            Inner::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    /// The checksum of all that passed.
    pub fn finish(self) -> Checksum {
        let hex = match self.inner {
            Inner::Dynamic(digest) => {
                digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Inner::Blake3(hasher) => hasher.finalize().to_hex().to_string(),
        };
        Checksum { algorithm: self.algorithm, hex }
    }
}

impl fmt::Debug for ChecksumHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChecksumHasher").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_plugin_api::PluginErrorKind;

    /// Of `abc`, from the standards.
    const OF_ABC: [(&str, &str); 7] = [
        ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
        ("SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("SHA-224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "SHA-384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "SHA-512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("BLAKE3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ];

    fn of(bytes: &[u8], expected: &Checksum) -> Checksum {
        let mut hasher = expected.hasher();
        let (first, rest) = bytes.split_at(1);
        hasher.update(first);
        hasher.update(rest);
        hasher.finish()
    }

    #[test]
    fn every_form_that_cloudstack_takes_is_read_and_verified() {
        for (name, hex) in OF_ABC {
            for text in [
                format!("{{{name}}}{hex}"),
                format!("{{{}}}{}", name.to_lowercase(), hex.to_uppercase()),
                format!(" {{{}}} {hex}\n", name.replace('-', "")),
            ] {
                let expected: Checksum = text.parse().unwrap();
                assert_eq!(expected.to_string(), format!("{{{name}}}{hex}"), "{text}");
                expected.verify(&of(b"abc", &expected)).unwrap();
            }
            if name != "BLAKE3" {
                assert_eq!(hex.parse::<Checksum>().unwrap().algorithm().to_string(), name);
            }
        }
        let java: Checksum = format!("{{sha}}{}", OF_ABC[1].1).parse().unwrap();
        assert_eq!(java.algorithm(), ChecksumAlgorithm::Sha1);
    }

    #[test]
    fn other_bytes_are_told_with_both_values() {
        let expected: Checksum = OF_ABC[0].1.parse().unwrap();
        let found = of(b"abd", &expected);
        let refused = expected.verify(&found).unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::Corrupt);
        let line = refused.to_string();
        assert!(line.contains(OF_ABC[0].1) && line.contains(found.hex()), "{line}");
    }

    #[test]
    fn what_is_no_checksum_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Checksum>().unwrap_err();
        assert_eq!(refused("{MD5 900"), ChecksumError::Unclosed);
        assert_eq!(refused("{CRC32}00"), ChecksumError::UnknownAlgorithm("CRC32".to_owned()));
        assert_eq!(refused(""), ChecksumError::UnclearLength(0));
        assert_eq!(refused(&"a".repeat(33)), ChecksumError::UnclearLength(33));
        assert_eq!(refused(&"é".repeat(16)), ChecksumError::NotHexadecimal('é'));
        let short = ChecksumError::WrongLength {
            algorithm: ChecksumAlgorithm::Sha256,
            wanted: 64,
            found: 32,
        };
        assert_eq!(refused(&format!("{{SHA-256}}{}", OF_ABC[0].1)), short);
        assert_eq!(refused(&format!("{}g", &OF_ABC[0].1[1..])), ChecksumError::NotHexadecimal('g'));
    }
}
