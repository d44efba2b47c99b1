//! The digest of an object's bytes: BLAKE3, computed as they pass.
//!
//! **Invariant:** a hole counts as the zeros that it stands for, so that an object has one digest
//! however its driver tells holes from data.

use std::fmt;
use storage_plugin_api::{CHUNK_BYTES, CallContext, Chunk, PluginError, PluginResult};

/// The word that a digest of this kind begins with.
const ALGORITHM: &str = "{BLAKE3}";
/// How many chunks of zeros are hashed before other tasks have their turn.
const TURN: u64 = 64;

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

/// Computes a digest, chunk by chunk, and checks that none is missing.
#[derive(Debug, Default)]
pub struct Hasher {
    hasher: blake3::Hasher,
    at: u64,
}

impl Hasher {
    /// The bytes from an offset on: their digest is not that of the object, and whoever asks for
    /// one knows that.
    pub fn begin_at(offset: u64) -> Self {
        Self { at: offset, ..Self::default() }
    }

    /// Where the next chunk has to begin.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// `Corrupt` for one that does not begin where the one before ended; `Cancelled`.
    pub async fn take(&mut self, call: &CallContext, chunk: &Chunk) -> PluginResult<()> {
        if chunk.offset() != self.at {
            return Err(PluginError::corrupt(format!(
                "a reader gave the bytes from {} on where those from {} on come next",
                chunk.offset(),
                self.at
            )));
        }
        match chunk {
            Chunk::Data { bytes, .. } => {
                self.hasher.update(bytes);
            }
            Chunk::Hole { length, .. } => self.zeros(call, *length).await?,
        }
        self.at += chunk.length();
        Ok(())
    }

    async fn zeros(&mut self, call: &CallContext, mut length: u64) -> PluginResult<()> {
        let mut pieces = 0;
        while length > 0 {
            let now = length.min(CHUNK_BYTES as u64);
            self.hasher.update(ZEROS.get(..now as usize).unwrap_or(&ZEROS));
            length -= now;
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
        Ok(Digest(self.hasher.finalize()))
    }
}
