//! The digest of bytes and holes that come in order, as long as it is worth it.
//!
//! What it is not: the digest, which is [`Tree`]. This counts the zeros of holes in, up to a limit,
//! and knows of bytes that have no digest how many came.

use storage_plugin_api::digest::{Digest, State, Top, Tree};

/// The length of a block of the tree, and of what lies between two checkpoints.
pub(crate) const BLOCK_BYTES: u64 = 16 << 20;

/// So many zeros of holes are counted in. More of them would take longer than they are worth: the
/// digest is given up, and who wants one reads the object.
const MAX_ZEROS: u64 = 1 << 30;

/// What zeros are taken from.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The digest of what came until now.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// `None` where it was given up.
    tree: Option<Tree>,
    offset: u64,
    zeros: u64,
}

/// The same at a checkpoint: all that is needed to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frozen {
    /// The tops of the tree; `None` where the digest was given up.
    pub(crate) tops: Option<Vec<Top>>,
    /// How many zeros were counted in.
    pub(crate) zeros: u64,
}

impl Counted {
    /// A digest of nothing yet.
    pub(crate) fn new() -> Self {
        Self { tree: Some(Tree::new(BLOCK_BYTES)), ..Self::none() }
    }

    /// No digest: where what comes is not all there will be.
    pub(crate) const fn none() -> Self {
        Self { tree: None, offset: 0, zeros: 0 }
    }

    /// Goes on at a checkpoint, a multiple of [`BLOCK_BYTES`]; `None` for what cannot be one.
    pub(crate) fn thaw(offset: u64, frozen: &Frozen) -> Option<Self> {
        if offset == 0 || !offset.is_multiple_of(BLOCK_BYTES) {
            return None;
        }
        let tree = match &frozen.tops {
            Some(tops) => Some(Tree::resume(State::thaw(BLOCK_BYTES, offset, tops)?)),
            None => None,
        };
        Some(Self { tree, offset, zeros: frozen.zeros })
    }

    /// The state at the end of the last whole block; `None` before the first one is whole.
    ///
    /// More bytes must follow: those of a single block have another digest as a whole than as a
    /// part.
    pub(crate) fn freeze(&self) -> Option<(u64, Frozen)> {
        let tops = match &self.tree {
            Some(tree) => Some(tree.state()?.freeze()),
            None => None,
        };
        let offset = self.offset - self.offset % BLOCK_BYTES;
        (offset > 0).then_some((offset, Frozen { tops, zeros: self.zeros }))
    }

    /// How many bytes came until now.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        if let Some(tree) = &mut self.tree {
            tree.update(bytes, |_| ());
        }
    }

    /// Takes the zeros up to an offset.
    pub(crate) fn zeros_to(&mut self, offset: u64) {
        let mut left = offset.saturating_sub(self.offset);
        self.zeros = self.zeros.saturating_add(left);
        if self.zeros > MAX_ZEROS {
            self.tree = None;
        }
        if self.tree.is_none() {
            self.offset += left;
            return;
        }
        while left > 0 {
            let now = left.min(ZEROS.len() as u64);
            self.bytes(&ZEROS[..now as usize]);
            left -= now;
        }
    }

    /// The digest of all that came; `None` where it was given up.
    pub(crate) fn finish(&self) -> Option<Digest> {
        self.tree.as_ref().and_then(Tree::finish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_count_up_to_a_limit() {
        let mut counted = Counted::new();
        assert_eq!(counted.freeze(), None);
        counted.bytes(b"a");
        counted.zeros_to(BLOCK_BYTES + 77);
        let expected = Digest::of([b"a".as_slice(), &vec![0; BLOCK_BYTES as usize + 76]]);
        assert_eq!(counted.finish(), Some(expected));
        let (offset, frozen) = counted.freeze().unwrap();
        let mut other = Counted::thaw(offset, &frozen).unwrap();
        assert_eq!((offset, other.freeze()), (BLOCK_BYTES, Some((offset, frozen))));
        other.zeros_to(BLOCK_BYTES + 77);
        assert_eq!(other.finish(), Some(expected));
        counted.zeros_to(1 << 50);
        assert_eq!(counted.offset(), 1 << 50);
        let (offset, frozen) = counted.freeze().unwrap();
        assert_eq!((offset, frozen.tops.as_ref()), (1 << 50, None));
        let mut other = Counted::thaw(offset, &frozen).unwrap();
        other.bytes(b"more");
        assert_eq!(other.offset(), (1 << 50) + 4);
        assert_eq!((counted.finish(), other.finish()), (None, None));
    }

    #[test]
    fn what_cannot_be_a_checkpoint_is_none() {
        let frozen = Frozen { tops: Some(vec![[0; 32]]), zeros: 0 };
        assert!(Counted::thaw(BLOCK_BYTES, &frozen).is_some());
        for offset in [0, 1, BLOCK_BYTES + 1, 2 * BLOCK_BYTES] {
            assert!(Counted::thaw(offset, &frozen).is_none(), "{offset}");
        }
    }
}
