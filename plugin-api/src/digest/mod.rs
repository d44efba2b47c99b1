//! The digest of an object's bytes, `{BLAKE3}hex`, which goes on after a crash.
//!
//! For drivers that record what they wrote ([`WriteResult::digest`](crate::WriteResult::digest)),
//! and for whoever compares. BLAKE3 is a tree, so all that has to be remembered at an offset are
//! the tops of the few subtrees before it: they fit into a
//! [`CheckpointToken`](crate::CheckpointToken), and no byte of before is read again.
//!
//! A [`Tree`] takes bytes in their order, and has a [`State`] at the end of each block.
//! [`Subtrees`] take the tops of blocks that were hashed [beside each other](top), as parts of an
//! upload are. Both hold 32 bytes for each doubling of the blocks, and a block has the length that
//! the driver chooses: about what it writes between two tokens. What cannot be the state of so many
//! bytes is `None`.
//!
//! What it is not: a hash function; each node is the crate's. **Invariant:** the digest is that of
//! all bytes at once, wherever it was interrupted.

mod subtrees;
mod tree;

#[cfg(test)]
mod tests;

pub use subtrees::{Subtrees, Top, top};
pub use tree::{State, Tree};

use crate::error::{PluginError, PluginResult};
use blake3::{Hash, Hasher};
use std::fmt;

/// The word that a digest of this kind begins with.
const ALGORITHM: &str = "{BLAKE3}";

/// The digest of all bytes of an object. As text it is `{BLAKE3}` and 64 hexadecimal digits, which
/// is how the host keeps it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(Hash);

impl Digest {
    /// The digest of bytes that are all there, in pieces. Takes as long as hashing takes.
    pub fn of(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut hasher = Hasher::new();
        for piece in pieces {
            hasher.update(piece.as_ref());
        }
        Self(hasher.finalize())
    }

    /// Whether a digest that was recorded is this one; `None` where it is of another kind.
    pub fn agrees_with(&self, recorded: &str) -> Option<bool> {
        let hex = recorded.strip_prefix(ALGORITHM)?;
        Some(Hash::from_hex(hex.trim()).is_ok_and(|recorded| recorded == self.0))
    }

    /// Holds what was found at a destination against this, the digest of what passed.
    ///
    /// # Errors
    /// `Corrupt`, with both.
    pub fn expect(&self, found: &impl fmt::Display) -> PluginResult<()> {
        let found = found.to_string();
        if self.agrees_with(&found) == Some(true) {
            return Ok(());
        }
        Err(PluginError::corrupt(format!(
            "the bytes that passed have the digest {self}, and those at the destination {found}"
        )))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", self.0.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
