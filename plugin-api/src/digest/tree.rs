//! The tree of bytes that come in their order, and where it can be gone on with.

use super::{Digest, Subtrees, Top};
use blake3::Hasher;
use blake3::hazmat::HasherExt as _;

/// The least that is a subtree.
const MIN_BLOCK_BYTES: u64 = 1 << 10;

/// A tree at the end of a block: all that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    block_bytes: u64,
    before: Subtrees,
    /// It stays apart, for only what follows tells what becomes of it.
    last: Top,
}

impl State {
    /// The state at an offset in bytes, of a tree with blocks of a length; `None` for what cannot be
    /// one.
    pub fn thaw(block_bytes: u64, offset: u64, tops: &[Top]) -> Option<Self> {
        let block_bytes = fitted(block_bytes);
        let (last, before) = tops.split_last()?;
        let before = Subtrees::thaw((offset / block_bytes).checked_sub(1)?, before)?;
        let is_whole = offset.is_multiple_of(block_bytes);
        is_whole.then_some(Self { block_bytes, before, last: *last })
    }

    /// The tops: those of the subtrees before the last block, the largest first, and that block's.
    pub fn freeze(&self) -> Vec<Top> {
        let mut tops = self.before.freeze();
        tops.push(self.last);
        tops
    }

    /// How many bytes it is of: the offset of the next one.
    pub const fn offset(&self) -> u64 {
        (self.before.blocks() + 1) * self.block_bytes
    }

    /// The subtrees once more follows.
    fn joined(&self) -> Subtrees {
        let mut all = self.before.clone();
        all.push(self.last);
        all
    }
}

/// The digest of bytes that come in their order.
#[derive(Debug, Clone)]
pub struct Tree {
    block_bytes: u64,
    /// The blocks that are whole. The first one stays open until more comes: alone it has another
    /// digest.
    whole: Option<State>,
    open: Hasher,
    filled: u64,
}

impl Tree {
    /// A digest of nothing yet, with blocks of so many bytes: a power of two of at least 1024, and
    /// what is none is raised to one.
    pub fn new(block_bytes: u64) -> Self {
        let block_bytes = fitted(block_bytes);
        Self { block_bytes, whole: None, open: Hasher::new(), filled: 0 }
    }

    /// Goes on where a state was. After the first block more bytes have to come.
    pub fn resume(state: State) -> Self {
        let mut open = Hasher::new();
        open.set_input_offset(state.offset());
        Self { block_bytes: state.block_bytes, whole: Some(state), open, filled: 0 }
    }

    /// How many bytes came.
    pub fn offset(&self) -> u64 {
        self.whole.as_ref().map_or(0, State::offset) + self.filled
    }

    /// Takes the next bytes. `passed` is given each state on the way that could also be the end:
    /// those of all blocks but the first.
    pub fn update(&mut self, mut bytes: &[u8], mut passed: impl FnMut(&State)) {
        while !bytes.is_empty() {
            if self.filled == self.block_bytes {
                self.close();
            }
            let room = usize::try_from(self.block_bytes - self.filled).unwrap_or(usize::MAX);
            let (now, rest) = bytes.split_at(bytes.len().min(room));
            self.open.update(now);
            self.filled += now.len() as u64;
            bytes = rest;
            if self.filled == self.block_bytes && self.whole.is_some() {
                passed(self.close());
            }
        }
    }

    /// The state at the end of the last whole block, however much came after it; `None` before the
    /// first one is whole.
    pub fn state(&self) -> Option<State> {
        if self.whole.is_none() && self.filled == self.block_bytes {
            return Some(self.closed());
        }
        self.whole.clone()
    }

    /// The digest of all that came. `None` after the state of a first block, if nothing followed.
    pub fn finish(&self) -> Option<Digest> {
        let Some(whole) = &self.whole else {
            return Some(Digest(self.open.finalize()));
        };
        if self.filled == 0 {
            return whole.before.finish(whole.last);
        }
        whole.joined().finish(self.open.finalize_non_root())
    }

    /// What whole blocks there are, the open one included, which is full.
    fn closed(&self) -> State {
        let before = self.whole.as_ref().map(State::joined).unwrap_or_default();
        State { block_bytes: self.block_bytes, before, last: self.open.finalize_non_root() }
    }

    fn close(&mut self) -> &State {
        let state = self.closed();
        (self.open, self.filled) = (Hasher::new(), 0);
        self.open.set_input_offset(state.offset());
        self.whole.insert(state)
    }
}

fn fitted(block_bytes: u64) -> u64 {
    block_bytes.checked_next_power_of_two().unwrap_or(1 << 63).max(MIN_BLOCK_BYTES)
}
