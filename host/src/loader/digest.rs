//! The SHA-256 of a plugin file: computed, shown, and compared with the one an operator pinned.
//!
//! Pinning proves that the file is the one that was approved, not that it is harmless; the
//! checks of the object file still follow. The invariant: a digest is of whole file contents,
//! and its text form is 64 lower-case hexadecimal digits, as `sha256sum` prints them.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::refusal::{Refusal, RefusalCode};

/// Read in pieces that stay in the processor's second-level cache.
const PIECE: usize = 128 * 1024;

/// A SHA-256 digest of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Computes the digest of the file at `path`.
    ///
    /// # Errors
    /// `Unreadable` — the file cannot be opened, or reading it fails.
    pub fn of(path: &Path) -> Result<Self, Refusal> {
        File::open(path).and_then(Self::of_reader).map_err(|error| {
            Refusal::new(
                RefusalCode::Unreadable,
                format!("cannot read plugin {path:?}"),
                format!("its digest could not be computed: {error}"),
                "check the file's permissions and the disk",
            )
        })
    }

    /// Computes the digest of everything that `reader` yields.
    ///
    /// # Errors
    /// The reader's own.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(Self(hasher.finalize().into())),
                Ok(read) => hasher.update(&piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Compares the digest of the file at `path` with the one that its row pins.
    ///
    /// # Errors
    /// `DigestMismatch` — they differ; the text has both.
    pub fn verify(&self, pinned: &Self, path: &Path) -> Result<(), Refusal> {
        if self == pinned {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::DigestMismatch,
            format!("plugin {path:?} is not the file that was approved"),
            format!("its SHA-256 is {self}, plugins.toml pins {pinned}"),
            "install the approved file, or, if the change is intended, pin the new digest",
        ))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Text that is not a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDigestError {
    text: String,
}

impl fmt::Display for ParseDigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text } = self;
        write!(f, "{text:?} is not a SHA-256 digest: expected 64 hexadecimal digits")
    }
}

impl std::error::Error for ParseDigestError {}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Bounded: the text may be a whole mistaken paragraph of a configuration file.
        let error = || ParseDigestError { text: text.chars().take(80).collect() };
        let mut digest = [0; 32];
        if text.len() != 2 * digest.len() {
            return Err(error());
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (high, low) else {
                return Err(error());
            };
            // Two hexadecimal digits are at most 255.
            *byte = (high << 4 | low) as u8;
        }
        Ok(Self(digest))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Digest, PIECE};
    use crate::loader::refusal::RefusalCode;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn digest_of_a_known_text_is_the_standard_one() {
        let digest = Digest::of_reader(&b"abc"[..]).unwrap();
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(ABC.parse::<Digest>().unwrap(), digest);
        assert_eq!(ABC.to_uppercase().parse::<Digest>().unwrap(), digest);
    }

    #[test]
    fn digest_of_a_file_covers_every_piece() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        let mut bytes = vec![7; 3 * PIECE + 5];
        fs::write(&path, &bytes).unwrap();
        let before = Digest::of(&path).unwrap();
        assert_eq!(before, Digest::of_reader(&bytes[..]).unwrap());
        *bytes.last_mut().unwrap() = 8;
        fs::write(&path, &bytes).unwrap();
        assert_ne!(Digest::of(&path).unwrap(), before);
    }

    #[test]
    fn digest_crosses_json_as_a_hex_string() {
        let digest: Digest = ABC.parse().unwrap();
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(json, format!("\"{ABC}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        let odd = format!("{}é", &ABC[..62]);
        for text in ["", "abc", &ABC[1..], &format!("{ABC}0"), &ABC.replace('b', "g"), &odd] {
            let error = text.parse::<Digest>().unwrap_err();
            assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
        }
    }

    #[test]
    fn another_file_than_the_pinned_one_is_refused_with_both_digests() {
        let found = Digest::of_reader(&b"abd"[..]).unwrap();
        let pinned: Digest = ABC.parse().unwrap();
        assert_eq!(found.verify(&found, Path::new("libx.so")), Ok(()));
        let refusal = found.verify(&pinned, Path::new("libx.so")).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::DigestMismatch);
        assert!(refusal.what.contains("libx.so"));
        assert!(refusal.why.contains(ABC) && refusal.why.contains(&found.to_string()));
        assert!(refusal.way_out.contains("pin the new digest"));
    }

    #[test]
    fn file_that_is_gone_is_unreadable() {
        let refusal = Digest::of(Path::new("gone/libx.so")).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Unreadable);
        assert!(refusal.what.contains("gone/libx.so"));
    }
}
