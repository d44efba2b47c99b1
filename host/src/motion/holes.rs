//! Holes in bytes that came without any: a download, an unpacked file, a disk that was written
//! full of zeros.
//!
//! **Invariant:** the chunks that come of bytes cover them exactly, in order.

use bytes::Bytes;
use storage_plugin_api::Chunk;

/// Zeros that are shorter than this, or that do not begin at a multiple of it, are sent as they
/// are: a hole for each 512 zeros would cost more than it saves.
pub const HOLE_BYTES: usize = 64 << 10;

/// The chunks of bytes that lie at an offset: blocks of zeros become holes.
pub fn chunks(offset: u64, mut bytes: Bytes) -> impl Iterator<Item = Chunk> {
    let mut at = offset;
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let mut length = block(at, &bytes);
        let is_hole = is_zero(bytes.get(..length)?);
        while length < bytes.len() {
            let rest = bytes.get(length..)?;
            let next = block(at + length as u64, rest);
            if is_zero(rest.get(..next)?) != is_hole {
                break;
            }
            length += next;
        }
        let piece = bytes.split_to(length);
        let begun = at;
        at += length as u64;
        Some(if is_hole {
            Chunk::Hole { offset: begun, length: length as u64 }
        } else {
            Chunk::Data { offset: begun, bytes: piece }
        })
    })
}

/// The bytes to the next border of a block, or all that there are.
fn block(at: u64, bytes: &[u8]) -> usize {
    (HOLE_BYTES - (at % HOLE_BYTES as u64) as usize).min(bytes.len())
}

/// Whether bytes are all zeros. Stops early, since data rarely begins with them.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(512).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_zeros_become_holes_and_nothing_else_changes() {
        let mut plain = vec![0; 5 * HOLE_BYTES];
        plain[HOLE_BYTES + 5] = 1;
        plain[4 * HOLE_BYTES] = 2;
        // Begins within a block, and ends within one.
        let offset = 3 * HOLE_BYTES as u64 + 7;
        let bytes = Bytes::from(plain).slice(7..5 * HOLE_BYTES - 1);
        let pieces: Vec<_> = chunks(offset, bytes.clone()).collect();
        let shape: Vec<_> = pieces
            .iter()
            .map(|chunk| (matches!(chunk, Chunk::Hole { .. }), chunk.offset(), chunk.length()))
            .collect();
        let block = HOLE_BYTES as u64;
        assert_eq!(
            shape,
            [
                (true, offset, block - 7),
                (false, 4 * block, block),
                (true, 5 * block, 2 * block),
                (false, 7 * block, block - 1),
            ]
        );
        let again: Vec<u8> = pieces
            .iter()
            .flat_map(|chunk| match chunk {
                Chunk::Data { bytes, .. } => bytes.to_vec(),
                Chunk::Hole { length, .. } => vec![0; *length as usize],
            })
            .collect();
        assert!(again == bytes);
        assert_eq!(chunks(0, Bytes::new()).count(), 0);
    }
}
