//! The BLAKE3 digest of an object from those of its parts, which are computed beside each other.
//!
//! BLAKE3 is a tree. A part whose length is a power of two is a subtree, so its top says all of it
//! that the whole needs: 32 bytes, and of many parts one for each bit of their number. That fits
//! into a checkpoint token, and nothing that was sent before has to be read again.

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use storage_plugin_api::bytes::Bytes;

/// The top of a part that begins at an offset and is not the whole.
pub fn leaf(pieces: &[Bytes], offset: u64) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize_non_root()
}

/// The tops of the parts until now. All of them but the last have one length, a power of two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tops {
    tops: Vec<ChainingValue>,
    parts: u64,
}

impl Tops {
    /// Goes on after so many parts; `None` for what cannot be their tops.
    pub fn thaw(parts: u64, tops: Vec<ChainingValue>) -> Option<Self> {
        (tops.len() as u32 == parts.count_ones()).then_some(Self { tops, parts })
    }

    /// The tops, the largest first.
    pub fn freeze(&self) -> Vec<ChainingValue> {
        self.tops.clone()
    }

    /// Takes a part that is not the last.
    pub fn push(&mut self, mut top: ChainingValue) {
        self.parts += 1;
        for _ in 0..self.parts.trailing_zeros() {
            let Some(left) = self.tops.pop() else {
                break;
            };
            top = merge_subtrees_non_root(&left, &top, Mode::Hash);
        }
        self.tops.push(top);
    }

    /// Takes the last part: the digest of all, `{BLAKE3}hex`. `None` where it is the only one,
    /// whose digest is not made of tops.
    pub fn finish(mut self, last: ChainingValue) -> Option<String> {
        let mut right = last;
        while let Some(left) = self.tops.pop() {
            if self.tops.is_empty() {
                return Some(shown(&merge_subtrees_root(&left, &right, Mode::Hash)));
            }
            right = merge_subtrees_non_root(&left, &right, Mode::Hash);
        }
        None
    }
}

/// The digest of bytes that are all there, `{BLAKE3}hex`.
pub(super) fn whole(pieces: &[Bytes]) -> String {
    let mut hasher = Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    shown(&hasher.finalize())
}

fn shown(hash: &blake3::Hash) -> String {
    format!("{{BLAKE3}}{}", hash.to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: usize = 1 << 14;

    fn bytes(length: usize) -> Bytes {
        (0..length as u64).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn it_is_the_digest_of_the_bytes_whatever_their_number() {
        for parts in 2..20 {
            for rest in [1, 1000, PART] {
                let all = bytes(PART * (parts - 1) + rest);
                let mut tops = Tops::default();
                for part in 0..parts - 1 {
                    let at = part * PART;
                    tops.push(leaf(&[all.slice(at..at + PART)], at as u64));
                    // As from a token.
                    tops = Tops::thaw(part as u64 + 1, tops.freeze()).unwrap();
                }
                let at = (parts - 1) * PART;
                let digest = tops.finish(leaf(&[all.slice(at..)], at as u64));
                assert_eq!(digest, Some(whole(&[all])), "{parts} parts, the last of {rest}");
            }
        }
    }

    #[test]
    fn what_cannot_be_the_tops_of_so_many_parts_is_none() {
        assert!(Tops::thaw(3, vec![[0; 32]; 2]).is_some());
        assert!(Tops::thaw(4, vec![[0; 32]; 2]).is_none());
        assert!(Tops::thaw(0, Vec::new()).is_some());
        assert_eq!(Tops::default().finish([0; 32]), None);
    }
}
