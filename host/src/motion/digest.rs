//! The digest of an object's bytes: BLAKE3, computed as they pass.
//!
//! **Invariant:** a hole counts as the zeros that it stands for, so that an object has one digest
//! however its driver tells holes from data.

use super::digest_state::{DigestState, tree};
use std::collections::VecDeque;
use storage_plugin_api::digest::{Digest, State, Tree};
use storage_plugin_api::{CHUNK_BYTES, CallContext, Chunk, PluginError, PluginResult};

/// How many chunks of zeros are hashed before other tasks have their turn.
const TURN: u64 = 64;

/// How many of its states are remembered: those of 256 MiB, which is more than any writer has under
/// way.
const PASSED: usize = 4096;

static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

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
#[derive(Debug)]
pub struct Hasher {
    tree: Tree,
    at: u64,
    /// Bytes of the object that are not in the digest.
    missing: u64,
    /// Where it was on its way, for a writer tells late how far it is durable.
    passed: VecDeque<State>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self { tree: tree(), at: 0, missing: 0, passed: VecDeque::new() }
    }
}

impl Hasher {
    /// The bytes from an offset on: their digest is not that of the object.
    pub fn begin_at(offset: u64) -> Self {
        Self { at: offset, missing: offset, ..Self::default() }
    }

    /// Goes on where another one was.
    pub fn resume(state: &DigestState) -> Self {
        let DigestState(state) = state.clone();
        let (at, passed) = (state.offset(), VecDeque::from([state.clone()]));
        Self { tree: Tree::resume(state), at, missing: 0, passed }
    }

    /// Whether the digest is that of all bytes up to here.
    pub fn is_whole(&self) -> bool {
        self.missing == 0
    }

    /// How far it was at an offset or shortly before, as far as it remembers. Nobody asks for an
    /// earlier one afterwards.
    pub fn state_at(&mut self, offset: u64) -> Option<DigestState> {
        let later = self.passed.partition_point(|state| state.offset() <= offset);
        self.passed.drain(..later.saturating_sub(1));
        let state = self.passed.front().filter(|state| state.offset() <= offset);
        state.filter(|_| self.is_whole()).cloned().map(DigestState)
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
            tree.update(bytes, |state| {
                if passed.len() == PASSED {
                    passed.pop_front();
                }
                passed.push_back(state.clone());
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
        let digest = self.tree.finish();
        digest.ok_or_else(|| PluginError::internal("a digest was lost: the first block is all"))
    }
}
