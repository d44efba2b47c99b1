//! The tree of a BLAKE3 digest, grown block by block from the left, so that it can be written down
//! in the middle of an object and grown on in another process.
//!
//! BLAKE3 is a tree, so what is to be remembered at an offset are the few subtrees before it: no
//! byte of before has to be read again, at the source or at the destination, for the digest of the
//! whole. What it is not: a hash function; each node is the crate's.
//!
//! **Invariant:** the digest is that of all bytes at once, wherever the tree was written down.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The bytes of a block: large enough for the crate's widest instructions, small enough that
/// writers rarely go on within one.
const BLOCK: u64 = 64 << 10;

/// The tree of the bytes so far.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// The subtrees of all blocks before the last one, the smallest first. What was written down
    /// shares them.
    left: Option<Arc<Subtree>>,
    /// How many blocks those are.
    blocks: u64,
    last: Block,
}

#[derive(Debug)]
struct Subtree {
    value: ChainingValue,
    left: Option<Arc<Subtree>>,
}

/// The last block. It stays apart, for only the end tells what becomes of it.
#[derive(Debug, Clone)]
enum Block {
    /// So many bytes of it came.
    Growing(Box<blake3::Hasher>, u64),
    /// All of it did, and it is not the first.
    Full(ChainingValue),
}

impl Default for Tree {
    fn default() -> Self {
        Self { left: None, blocks: 0, last: Block::Growing(Box::default(), 0) }
    }
}

impl Tree {
    /// How many bytes it is of.
    pub(super) fn bytes(&self) -> u64 {
        let last = match self.last {
            Block::Growing(_, filled) => filled,
            Block::Full(_) => BLOCK,
        };
        self.blocks * BLOCK + last
    }

    /// Takes the next bytes. `written` is given each state on the way that can be written down.
    pub(super) fn update(&mut self, mut bytes: &[u8], mut written: impl FnMut(&Self)) {
        while !bytes.is_empty() {
            self.make_room();
            let Block::Growing(hasher, filled) = &mut self.last else {
                // There is room now.
                return;
            };
            let length = (BLOCK - *filled).min(bytes.len() as u64) as usize;
            let (now, rest) = bytes.split_at(length);
            hasher.update(now);
            *filled += length as u64;
            bytes = rest;
            // The first block alone may be all there is, and then its end is another one.
            if *filled == BLOCK && self.blocks > 0 {
                self.last = Block::Full(hasher.finalize_non_root());
                written(self);
            }
        }
    }

    /// Begins a block where the last one is full: it is none at the end, so it joins the others.
    fn make_room(&mut self) {
        let mut value = match &self.last {
            Block::Full(value) => *value,
            Block::Growing(hasher, BLOCK) => hasher.finalize_non_root(),
            Block::Growing(..) => return,
        };
        self.blocks += 1;
        let mut size = self.blocks;
        while size.is_multiple_of(2)
            && let Some(left) = self.left.take()
        {
            value = merge_subtrees_non_root(&left.value, &value, Mode::Hash);
            self.left.clone_from(&left.left);
            size /= 2;
        }
        self.left = Some(Arc::new(Subtree { value, left: self.left.take() }));
        let mut hasher = Box::<blake3::Hasher>::default();
        hasher.set_input_offset(self.blocks * BLOCK);
        self.last = Block::Growing(hasher, 0);
    }

    /// The digest of the bytes.
    pub(super) fn finish(&self) -> blake3::Hash {
        let mut value = match (&self.last, &self.left) {
            (Block::Growing(hasher, _), None) => return hasher.finalize(),
            (Block::Growing(hasher, _), Some(_)) => hasher.finalize_non_root(),
            (Block::Full(value), _) => *value,
        };
        let mut left = self.left.as_ref();
        while let Some(subtree) = left {
            left = subtree.left.as_ref();
            if left.is_none() {
                return merge_subtrees_root(&subtree.value, &value, Mode::Hash);
            }
            value = merge_subtrees_non_root(&subtree.value, &value, Mode::Hash);
        }
        // A full block that is not the first has others before it.
        value.into()
    }

    /// What can be written down: `None` within a block, and at the end of the first one.
    pub(super) fn state(&self) -> Option<DigestState> {
        let Block::Full(last) = &self.last else {
            return None;
        };
        let mut values = vec![*last];
        let mut left = self.left.as_ref();
        while let Some(subtree) = left {
            values.push(subtree.value);
            left = subtree.left.as_ref();
        }
        Some(DigestState { offset: self.bytes(), values })
    }
}

/// How far a digest has come: the digest of the bytes before an offset, to be gone on with. As text
/// it is `offset:base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestState {
    offset: u64,
    /// The last block, and the subtrees before it, the smallest first.
    values: Vec<ChainingValue>,
}

impl DigestState {
    /// The first byte that it is not of.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn tree(&self) -> Tree {
        let (last, left) = self
            .values
            .split_first()
            .map_or(([0; 32], [].as_slice()), |(last, left)| (*last, left));
        let join = |left, value: &ChainingValue| Some(Arc::new(Subtree { value: *value, left }));
        Tree {
            left: left.iter().rfold(None, join),
            blocks: self.offset / BLOCK - 1,
            last: Block::Full(last),
        }
    }
}

impl fmt::Display for DigestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.offset, BASE64_STANDARD.encode(self.values.concat()))
    }
}

impl FromStr for DigestState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (offset, values) = text.split_once(':').ok_or(())?;
        let offset: u64 = offset.parse().map_err(drop)?;
        let bytes = BASE64_STANDARD.decode(values).map_err(drop)?;
        let (values, rest) = bytes.as_chunks::<32>();
        // As many subtrees as the number of blocks before the last one has ones.
        let expected = (offset / BLOCK).checked_sub(1).map(|blocks| blocks.count_ones() + 1);
        let is_whole = offset.is_multiple_of(BLOCK) && offset > BLOCK && rest.is_empty();
        let fits = expected == u32::try_from(values.len()).ok();
        if is_whole && fits { Ok(Self { offset, values: values.to_vec() }) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at ^ (at >> 9)) as u8).collect()
    }

    #[test]
    fn a_digest_that_is_gone_on_with_is_that_of_all_bytes() {
        const BLOCK: usize = super::BLOCK as usize;
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5, 19 * BLOCK] {
            let bytes = content(length);
            let (mut tree, mut states) = (Tree::default(), Vec::new());
            for piece in bytes.chunks(BLOCK / 3 + 1) {
                tree.update(piece, |tree| states.extend(tree.state()));
            }
            assert_eq!(tree.bytes(), length as u64);
            assert_eq!(tree.finish(), blake3::hash(&bytes), "{length}");
            assert_eq!(states.len(), (length / BLOCK).saturating_sub(1), "{length}");
            for state in states {
                let again: DigestState = state.to_string().parse().unwrap();
                assert_eq!(again, state);
                let mut tree = again.tree();
                assert_eq!((tree.bytes(), tree.state()), (state.offset(), Some(state.clone())));
                tree.update(&bytes[state.offset() as usize..], |_| ());
                assert_eq!(tree.finish(), blake3::hash(&bytes), "{length}, {}", state.offset());
            }
        }
    }

    #[test]
    fn what_is_no_state_is_none() {
        let one = BASE64_STANDARD.encode([0; 32]);
        let two = BASE64_STANDARD.encode([0; 64]);
        assert!(format!("131072:{two}").parse::<DigestState>().is_ok());
        for text in [
            String::new(),
            "131072".to_owned(),
            format!("131072:{one}"),
            format!("131073:{two}"),
            format!("65536:{one}"),
            format!("0:{one}"),
            "131072:!".to_owned(),
        ] {
            assert_eq!(text.parse::<DigestState>(), Err(()), "{text}");
        }
    }
}
