//! How far the digest of a transfer has come, as text that is kept with its token.
//!
//! What it is not: the tree of the digest, which is the contract's. **Invariant:** a text that was
//! kept once is read by every later host.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt;
use std::str::FromStr;
use storage_plugin_api::digest::{State, Tree};

/// The bytes of a block: large enough for the widest instructions, small enough that writers rarely
/// go on within one.
const BLOCK: u64 = 64 << 10;

/// How far a digest has come: the digest of the bytes before an offset, to be gone on with. As text
/// it is `offset:base64`; the bytes are the tops of its tree, that of the last block first, then
/// those of the subtrees before it, the smallest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestState(pub(super) State);

impl DigestState {
    /// The first byte that it is not of.
    pub fn offset(&self) -> u64 {
        self.0.offset()
    }
}

/// A tree of nothing yet.
pub(super) fn tree() -> Tree {
    Tree::new(BLOCK)
}

impl fmt::Display for DigestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tops = self.0.freeze();
        tops.reverse();
        write!(f, "{}:{}", self.offset(), BASE64_STANDARD.encode(tops.concat()))
    }
}

impl FromStr for DigestState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (offset, tops) = text.split_once(':').ok_or(())?;
        let offset: u64 = offset.parse().map_err(drop)?;
        let bytes = BASE64_STANDARD.decode(tops).map_err(drop)?;
        let (tops, rest) = bytes.as_chunks::<32>();
        let tops: Vec<_> = tops.iter().rev().copied().collect();
        let state = State::thaw(BLOCK, offset, &tops);
        // The first block alone may be all there is, and then its end is another one.
        state.filter(|_| rest.is_empty() && offset > BLOCK).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_state_that_it_was_made_of() {
        let bytes: Vec<u8> = (0..19 * BLOCK + 5).map(|at| (at ^ (at >> 9)) as u8).collect();
        let (mut tree, mut states) = (tree(), Vec::new());
        tree.update(&bytes, |state| states.push(DigestState(state.clone())));
        assert_eq!(states.len(), 18);
        for state in states {
            let again: DigestState = state.to_string().parse().unwrap();
            assert_eq!(again, state);
            let mut tree = Tree::resume(again.0);
            tree.update(&bytes[state.offset() as usize..], |_| ());
            let expected = format!("{{BLAKE3}}{}", blake3::hash(&bytes).to_hex());
            assert_eq!(tree.finish().unwrap().to_string(), expected, "{}", state.offset());
        }
    }

    #[test]
    fn a_text_of_before_is_read() {
        let top = |number: u8| [number; 32];
        let text =
            format!("{}:{}", 4 * BLOCK, BASE64_STANDARD.encode([top(3), top(2), top(1)].concat()));
        let state: DigestState = text.parse().unwrap();
        assert_eq!(state.0.freeze(), [top(1), top(2), top(3)]);
        assert_eq!(state.to_string(), text);
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
