//! The subtrees of the blocks until now.

use super::Digest;
use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use std::sync::Arc;

/// The top of a subtree: all that the digest of the whole needs of it.
pub type Top = ChainingValue;

/// The top of a block that begins at an offset in bytes and is not the whole: neither empty, nor
/// all there is. Takes as long as hashing takes.
pub fn top(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>, offset: u64) -> Top {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset);
    for piece in pieces {
        hasher.update(piece.as_ref());
    }
    hasher.finalize_non_root()
}

/// The subtrees of blocks that are not the last: one for each bit of their number. All blocks have
/// one length, a power of two of at least 1024 bytes; the last one may be shorter.
///
/// A clone shares them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subtrees {
    smallest: Option<Arc<Subtree>>,
    blocks: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Subtree {
    top: Top,
    larger: Option<Arc<Self>>,
}

impl Subtrees {
    /// Goes on after so many blocks; `None` for what cannot be their tops.
    pub fn thaw(blocks: u64, tops: &[Top]) -> Option<Self> {
        let join = |larger, top: &Top| Some(Arc::new(Subtree { top: *top, larger }));
        let fits = u32::try_from(tops.len()) == Ok(blocks.count_ones());
        fits.then(|| Self { smallest: tops.iter().fold(None, join), blocks })
    }

    /// Their tops, the largest first.
    pub fn freeze(&self) -> Vec<Top> {
        let smallest = self.smallest.as_deref();
        let subtrees = std::iter::successors(smallest, |subtree| subtree.larger.as_deref());
        let mut tops: Vec<Top> = subtrees.map(|subtree| subtree.top).collect();
        tops.reverse();
        tops
    }

    /// Of how many blocks they are.
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Takes a block that is not the last.
    pub fn push(&mut self, mut top: Top) {
        self.blocks += 1;
        for _ in 0..self.blocks.trailing_zeros() {
            let Some(left) = self.smallest.take() else {
                break;
            };
            top = merge_subtrees_non_root(&left.top, &top, Mode::Hash);
            self.smallest.clone_from(&left.larger);
        }
        self.smallest = Some(Arc::new(Subtree { top, larger: self.smallest.take() }));
    }

    /// The digest with the last block; `None` where that is the only one, whose digest is not made
    /// of tops.
    pub fn finish(&self, last: Top) -> Option<Digest> {
        let (mut right, mut next) = (last, self.smallest.as_deref());
        while let Some(left) = next {
            next = left.larger.as_deref();
            if next.is_none() {
                return Some(Digest(merge_subtrees_root(&left.top, &right, Mode::Hash)));
            }
            right = merge_subtrees_non_root(&left.top, &right, Mode::Hash);
        }
        None
    }
}
