//! Numbers in a header, by their offset.

use super::refusal::{Refusal, RefusalCode};

/// A header, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    /// What it is, for messages.
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    /// So many bytes from an offset on.
    pub(super) fn bytes(&self, at: usize, length: usize) -> Result<&'a [u8], Refusal> {
        let end = at.checked_add(length);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| {
            let line = format!("{} is cut off after {} bytes", self.what, self.bytes.len());
            Refusal::new(RefusalCode::Truncated, line)
        })
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(at, N)?);
        Ok(array)
    }

    pub(super) fn u8(&self, at: usize) -> Result<u8, Refusal> {
        self.array(at).map(u8::from_be_bytes)
    }

    pub(super) fn be32(&self, at: usize) -> Result<u32, Refusal> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(super) fn be64(&self, at: usize) -> Result<u64, Refusal> {
        self.array(at).map(u64::from_be_bytes)
    }

    pub(super) fn le16(&self, at: usize) -> Result<u16, Refusal> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn le32(&self, at: usize) -> Result<u32, Refusal> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn le64(&self, at: usize) -> Result<u64, Refusal> {
        self.array(at).map(u64::from_le_bytes)
    }

    pub(super) fn uuid(&self, at: usize) -> Result<uuid::Uuid, Refusal> {
        self.array(at).map(uuid::Uuid::from_bytes_le)
    }
}
