//! The digest of an object's bytes: BLAKE3, computed as they pass.
//!
//! **Invariant:** a hole counts as the zeros that it stands for, so that an object has one digest
//! however its driver tells holes from data.

use super::tree::{DigestState, Tree};
use std::collections::VecDeque;
use std::fmt;
use storage_plugin_api::{CHUNK_BYTES, CallContext, Chunk, PluginError, PluginResult};

/// The word that a digest of this kind begins with.
const ALGORITHM: &str = "{BLAKE3}";
/// How many chunks of zeros are hashed before other tasks have their turn.
const TURN: u64 = 64;

/// How many of its states are remembered: those of 256 MiB, which is more than any writer has under
/// way.
const PASSED: usize = 4096;

static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

/// The digest of all bytes of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// Whether a digest that a driver recorded is this one; `None` where it is of another kind.
    pub fn agrees_with(&self, recorded: &str) -> Option<bool> {
        let hex = recorded.strip_prefix(ALGORITHM)?;
        Some(blake3::Hash::from_hex(hex.trim()).is_ok_and(|recorded| recorded == self.0))
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

/// Refuses a chunk that does not follow, or has nothing: of such there is no end.
pub(super) fn check_next(chunk: &Chunk, at: u64) -> PluginResult<()> {
    if chunk.offset() == at && chunk.length() > 0 {
        return Ok(());
    }
    Err(PluginError::corrupt(format!(
        "a reader gave {} bytes from {} on where those from {at} on come next",
        chunk.length(),
        chunk.offset()
    )))
}

/// Hands on the bytes of a chunk; those of a hole in pieces, between which others have their turn.
///
/// # Errors
/// `Cancelled`.
pub(super) async fn each_piece(
    call: &CallContext,
    chunk: &Chunk,
    mut take: impl FnMut(&[u8]),
) -> PluginResult<()> {
    let mut left = match chunk {
        Chunk::Data { bytes, .. } => {
            take(bytes);
            return Ok(());
        }
        Chunk::Hole { length, .. } => *length,
    };
    let mut pieces = 0;
    while left > 0 {
        let now = left.min(CHUNK_BYTES as u64);
        take(ZEROS.get(..now as usize).unwrap_or(&ZEROS));
        left -= now;
        pieces += 1;
        if pieces % TURN == 0 {
            if call.is_cancelled() {
                return Err(PluginError::cancelled("cancelled while a hole was hashed"));
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Computes a digest, chunk by chunk, and checks that none is missing.
#[derive(Debug, Default)]
pub struct Hasher {
    tree: Tree,
    at: u64,
    /// Bytes of the object that are not in the digest.
    missing: u64,
    /// Where it was on its way, for a writer tells late how far it is durable.
    passed: VecDeque<Tree>,
}

impl Hasher {
    /// The bytes from an offset on: their digest is not that of the object.
    pub fn begin_at(offset: u64) -> Self {
        Self { at: offset, missing: offset, ..Self::default() }
    }

    /// Goes on where another one was.
    pub fn resume(state: &DigestState) -> Self {
        let tree = state.tree();
        let passed = VecDeque::from([tree.clone()]);
        Self { tree, at: state.offset(), missing: 0, passed }
    }

    /// Whether the digest is that of all bytes up to here.
    pub fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// How far it was at an offset or shortly before, as far as it remembers. Nobody asks for an
    /// earlier one afterwards.
    pub fn state_at(&mut self, offset: u64) -> Option<DigestState> {
        let later = self.passed.partition_point(|tree| tree.bytes() <= offset);
        self.passed.drain(..later.saturating_sub(1));
        let state = self.passed.front().filter(|tree| tree.bytes() <= offset)?.state();
        state.filter(|_| self.is_whole())
    }

    /// Where the next chunk has to begin.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// `Corrupt` for one that does not begin where the one before ended, or is empty; `Cancelled`.
    pub async fn take(&mut self, call: &CallContext, chunk: &Chunk) -> PluginResult<()> {
        check_next(chunk, self.at)?;
        let (tree, passed) = (&mut self.tree, &mut self.passed);
        each_piece(call, chunk, |bytes| {
            tree.update(bytes, |tree| {
                if passed.len() == PASSED {
                    passed.pop_front();
                }
                passed.push_back(tree.clone());
            });
        })
        .await?;
        self.at += chunk.length();
        Ok(())
    }

    /// The digest of an object of a size, if all its bytes were there.
    ///
    /// # Errors
    /// `Corrupt` for more or fewer bytes.
    pub fn finish(self, size_bytes: u64) -> PluginResult<Digest> {
        if self.at != size_bytes {
            return Err(PluginError::corrupt(format!(
                "a reader gave {} bytes of an object of {size_bytes}",
                self.at
            )));
        }
        Ok(Digest(self.tree.finish()))
    }
}
