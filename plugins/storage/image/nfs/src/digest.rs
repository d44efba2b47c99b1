//! The BLAKE3 digest of bytes that come in order, which goes on after a crash.
//!
//! BLAKE3 is a tree. The tops of the subtrees before a checkpoint are a few dozen bytes each and
//! at most one for each doubling of the length, so they fit into a checkpoint token, and nothing
//! that was written before has to be read again.
//!
//! Invariant: what comes of it is the digest of the bytes, wherever it was interrupted.

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};

/// The length of a whole subtree, and of what lies between two checkpoints: a power of two.
pub(crate) const SUBTREE_BYTES: u64 = 16 << 20;

/// So many zeros of holes are counted in. More of them would take longer than they are worth: the
/// digest is given up, and who wants one reads the object.
const MAX_ZEROS: u64 = 1 << 30;

/// What zeros are taken from.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// The digest of what came until now.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// The tops of subtrees that lie one behind the other, the largest first.
    tops: Vec<ChainingValue>,
    /// How many subtrees of [`SUBTREE_BYTES`] they stand for.
    whole: u64,
    /// What came since.
    open: Hasher,
    in_open: u64,
    zeros: u64,
    given_up: bool,
}

/// A tree at a checkpoint: all that is needed to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frozen {
    /// The tops; `None` where the digest was given up.
    pub(crate) tops: Option<Vec<[u8; 32]>>,
    /// How many zeros were counted in.
    pub(crate) zeros: u64,
}

impl Tree {
    /// A digest of nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            tops: Vec::new(),
            whole: 0,
            open: Hasher::new(),
            in_open: 0,
            zeros: 0,
            given_up: false,
        }
    }

    /// No digest: where what comes is not all there will be.
    pub(crate) fn none() -> Self {
        Self { given_up: true, ..Self::new() }
    }

    /// Goes on at a checkpoint, a multiple of [`SUBTREE_BYTES`]; `None` for what cannot be one.
    pub(crate) fn thaw(offset: u64, frozen: &Frozen) -> Option<Self> {
        let whole = offset / SUBTREE_BYTES;
        let mut tree = Self { whole, zeros: frozen.zeros, ..Self::new() };
        if offset == 0 || !offset.is_multiple_of(SUBTREE_BYTES) {
            return None;
        }
        match &frozen.tops {
            None => tree.given_up = true,
            Some(tops) if tops.len() as u32 == (whole - 1).count_ones() + 1 => {
                tree.tops.clone_from(tops);
            }
            Some(_) => return None,
        }
        tree.begin();
        Some(tree)
    }

    /// The state at the end of the last whole subtree; `None` before the first one is whole.
    ///
    /// More bytes must follow: those of a single subtree have another digest as a whole than as a
    /// part.
    pub(crate) fn freeze(&self) -> Option<(u64, Frozen)> {
        let mut tree = self.clone();
        if tree.in_open == SUBTREE_BYTES {
            tree.close();
        }
        let tops = (!tree.given_up).then_some(tree.tops);
        let frozen = Frozen { tops, zeros: tree.zeros };
        (tree.whole > 0).then_some((tree.whole * SUBTREE_BYTES, frozen))
    }

    /// How many bytes came until now.
    pub(crate) const fn offset(&self) -> u64 {
        self.whole * SUBTREE_BYTES + self.in_open
    }

    /// Takes the next bytes.
    pub(crate) fn bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(bytes.len().min(room as usize));
            if !self.given_up {
                self.open.update(now);
            }
            self.in_open += now.len() as u64;
            bytes = later;
        }
    }

    /// Takes the zeros up to an offset.
    pub(crate) fn zeros_to(&mut self, offset: u64) {
        let length = offset.saturating_sub(self.offset());
        self.zeros = self.zeros.saturating_add(length);
        if self.zeros > MAX_ZEROS {
            self.given_up = true;
        }
        if self.given_up {
            let offset = self.offset() + length;
            // The last subtree stays open, as if its bytes had come.
            self.whole = offset.saturating_sub(1) / SUBTREE_BYTES;
            self.in_open = offset - self.whole * SUBTREE_BYTES;
            return;
        }
        let mut left = length;
        while left > 0 {
            let now = left.min(ZEROS.len() as u64);
            self.bytes(&ZEROS[..now as usize]);
            left -= now;
        }
    }

    /// The digest of all that came, `{BLAKE3}hex`; `None` where it was given up.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.given_up {
            return None;
        }
        if self.tops.is_empty() {
            return Some(shown(&self.open.finalize()));
        }
        // Nothing came since the checkpoint: the root of what was before is not known any more.
        if self.in_open == 0 {
            return None;
        }
        self.merge();
        let mut right = self.open.finalize_non_root();
        while let Some(left) = self.tops.pop() {
            if self.tops.is_empty() {
                return Some(shown(&merge_subtrees_root(&left, &right, Mode::Hash)));
            }
            right = merge_subtrees_non_root(&left, &right, Mode::Hash);
        }
        None
    }

    /// How many bytes fit into the open subtree; a full one is closed before, because more come.
    fn room(&mut self) -> u64 {
        if self.in_open == SUBTREE_BYTES {
            self.close();
            self.begin();
        }
        SUBTREE_BYTES - self.in_open
    }

    fn close(&mut self) {
        if !self.given_up {
            self.merge();
            self.tops.push(self.open.finalize_non_root());
        }
        self.whole += 1;
        self.in_open = 0;
    }

    /// Merges tops of the same height, once it is sure that they are not the last: something is
    /// behind them. There is one for each bit of their number then.
    fn merge(&mut self) {
        while self.tops.len() as u32 > self.whole.count_ones() {
            let (Some(right), Some(left)) = (self.tops.pop(), self.tops.pop()) else {
                break;
            };
            self.tops.push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }

    fn begin(&mut self) {
        self.open = Hasher::new();
        if !self.given_up {
            self.open.set_input_offset(self.whole * SUBTREE_BYTES);
        }
    }
}

fn shown(hash: &blake3::Hash) -> String {
    format!("{{BLAKE3}}{}", hash.to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two megabytes are alike, and they are cheap to make.
    fn bytes(from: u64, length: usize) -> Vec<u8> {
        const PERIOD: u64 = 1_048_573;
        static NOISE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let noise = NOISE.get_or_init(|| {
            let hash = |at: u64| *blake3::hash(&at.to_le_bytes()).as_bytes();
            (0..PERIOD.div_ceil(32)).flat_map(hash).take(PERIOD as usize).collect()
        });
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let at = ((from + bytes.len() as u64) % PERIOD) as usize;
            let take = (noise.len() - at).min(length - bytes.len());
            bytes.extend_from_slice(&noise[at..at + take]);
        }
        bytes
    }

    fn whole(length: u64) -> String {
        let mut hasher = Hasher::new();
        hasher.update(&bytes(0, length as usize));
        shown(&hasher.finalize())
    }

    fn feed(tree: &mut Tree, to: u64) {
        while tree.offset() < to {
            let now = (to - tree.offset()).min(700_001) as usize;
            tree.bytes(&bytes(tree.offset(), now));
        }
    }

    #[test]
    fn it_is_the_digest_of_the_bytes_whatever_their_number() {
        for length in [0, 1, 1024, SUBTREE_BYTES - 1, SUBTREE_BYTES, SUBTREE_BYTES + 1] {
            let mut tree = Tree::new();
            feed(&mut tree, length);
            assert_eq!(tree.finish(), Some(whole(length)), "{length}");
        }
    }

    #[test]
    fn it_goes_on_at_every_checkpoint() {
        assert_eq!(Tree::new().freeze(), None);
        for end in 1..9 {
            goes_on_at_every_checkpoint_until(end * SUBTREE_BYTES + 4_321);
            goes_on_at_every_checkpoint_until((end + 1) * SUBTREE_BYTES);
        }
    }

    fn goes_on_at_every_checkpoint_until(end: u64) {
        let expected = whole(end);
        let mut tree = Tree::new();
        for subtrees in 1..=(end - 1) / SUBTREE_BYTES {
            // A checkpoint lies at the end of a whole subtree, however much came after it.
            feed(&mut tree, (subtrees * SUBTREE_BYTES + (subtrees % 2) * 999).min(end));
            let (offset, frozen) = tree.freeze().unwrap();
            assert_eq!(offset, subtrees * SUBTREE_BYTES);
            let mut other = Tree::thaw(offset, &frozen).unwrap();
            assert_eq!(other.freeze(), Some((offset, frozen)));
            feed(&mut other, end);
            assert_eq!(other.finish().as_ref(), Some(&expected), "{subtrees} of {end}");
        }
        feed(&mut tree, end);
        assert_eq!(tree.finish(), Some(expected));
    }

    #[test]
    fn zeros_count_up_to_a_limit() {
        let mut tree = Tree::new();
        tree.bytes(b"a");
        tree.zeros_to(SUBTREE_BYTES + 77);
        let mut expected = Hasher::new();
        expected.update(b"a").update(&vec![0; SUBTREE_BYTES as usize + 76]);
        assert_eq!(tree.clone().finish(), Some(shown(&expected.finalize())));
        tree.zeros_to(1 << 50);
        assert_eq!(tree.offset(), 1 << 50);
        let (offset, frozen) = tree.freeze().unwrap();
        assert_eq!((offset, frozen.tops.as_ref()), (1 << 50, None));
        let mut other = Tree::thaw(offset, &frozen).unwrap();
        other.bytes(b"more");
        assert_eq!(other.offset(), (1 << 50) + 4);
        assert_eq!((tree.finish(), other.finish()), (None, None));
    }

    #[test]
    fn what_cannot_be_a_checkpoint_is_none() {
        let frozen = Frozen { tops: Some(vec![[0; 32]]), zeros: 0 };
        assert!(Tree::thaw(SUBTREE_BYTES, &frozen).is_some());
        for offset in [0, 1, SUBTREE_BYTES + 1, 2 * SUBTREE_BYTES] {
            assert!(Tree::thaw(offset, &frozen).is_none(), "{offset}");
        }
    }
}
