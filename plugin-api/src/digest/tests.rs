//! Digests against those of all bytes at once.

use super::*;

const KIB: u64 = 1 << 10;

fn content(length: u64) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn whole(bytes: &[u8]) -> String {
    format!("{{BLAKE3}}{}", blake3::hash(bytes).to_hex())
}

/// Lengths about the ends of blocks.
fn lengths(block: u64) -> Vec<u64> {
    let around = (1..10).flat_map(|blocks| [-1, 0, 1, 321].map(|by| (blocks * block, by)));
    let around = around.map(|(length, by)| length.strict_add_signed(by));
    [0, 1, KIB - 1].into_iter().chain(around).chain([19 * block, 67 * block + 5]).collect()
}

#[test]
fn a_tree_goes_on_at_every_state() {
    for block in [KIB, 16 * KIB, 64 * KIB] {
        for length in lengths(block) {
            let bytes = content(length);
            let (mut tree, mut passed) = (Tree::new(block), Vec::new());
            for piece in bytes.chunks(block as usize / 3 + 1) {
                tree.update(piece, |state| passed.push(state.clone()));
            }
            assert_eq!(tree.offset(), length);
            assert_eq!(tree.finish().unwrap().to_string(), whole(&bytes), "{length} by {block}");
            let offsets: Vec<u64> = passed.iter().map(State::offset).collect();
            let expected: Vec<u64> = (2..=length / block).map(|blocks| blocks * block).collect();
            assert_eq!(offsets, expected, "{length}");
            passed.iter().for_each(|state| expect_to_go_on(block, state, &bytes));
        }
    }
}

fn expect_to_go_on(block: u64, state: &State, bytes: &[u8]) {
    let again = State::thaw(block, state.offset(), &state.freeze()).unwrap();
    assert_eq!(again, *state);
    let mut tree = Tree::resume(again);
    assert_eq!((tree.offset(), tree.state().as_ref()), (state.offset(), Some(state)));
    tree.update(&bytes[state.offset() as usize..], |_| ());
    let digest = tree.finish().unwrap();
    assert_eq!(digest.to_string(), whole(bytes), "{} of {}", state.offset(), bytes.len());
}

#[test]
fn a_state_lies_at_the_end_of_a_whole_block_however_much_came_after_it() {
    let block = 16 * KIB;
    assert_eq!(Tree::new(block).state(), None);
    for length in lengths(block).into_iter().filter(|length| *length > block) {
        let (bytes, mut tree) = (content(length), Tree::new(block));
        for blocks in 1..=(length - 1) / block {
            let to = (blocks * block + (blocks % 2) * 999).min(length);
            let from = tree.offset() as usize;
            tree.update(&bytes[from..to as usize], |_| ());
            let state = tree.state().unwrap();
            assert_eq!(state.offset(), blocks * block);
            expect_to_go_on(block, &state, &bytes);
        }
    }
    let mut first = Tree::new(block);
    first.update(&content(block), |_| ());
    assert_eq!(Tree::resume(first.state().unwrap()).finish(), None);
    assert_eq!(first.finish().unwrap().to_string(), whole(&content(block)));
}

#[test]
fn what_cannot_be_a_state_is_none() {
    let block = 64 * KIB;
    for (offset, tops, is_one) in [
        (block, 1, true),
        (2 * block, 2, true),
        (3 * block, 2, true),
        (0, 0, false),
        (0, 1, false),
        (1, 1, false),
        (block, 0, false),
        (block, 2, false),
        (block + 1, 1, false),
        (2 * block, 1, false),
        (2 * block + 1, 2, false),
    ] {
        let state = State::thaw(block, offset, &vec![[0; 32]; tops]);
        assert_eq!(state.is_some(), is_one, "{tops} tops at {offset}");
    }
}

#[test]
fn a_block_is_a_power_of_two() {
    for (asked, state_at) in [
        (0, Some(3 * KIB)),
        (KIB, Some(3 * KIB)),
        (KIB + 1, Some(2 * KIB)),
        (2 * KIB + 1, None),
        (u64::MAX, None),
    ] {
        let mut tree = Tree::new(asked);
        tree.update(&content(3 * KIB), |_| ());
        assert_eq!(tree.state().map(|state| state.offset()), state_at, "{asked}");
    }
}

#[test]
fn parts_beside_each_other_have_the_digest_of_the_whole() {
    let part = 16 * KIB;
    for parts in 2..20_u64 {
        for rest in [1, 1000, part] {
            let all = content(part * (parts - 1) + rest);
            let (last, mut subtrees) = ((parts - 1) * part, Subtrees::default());
            for at in (0..last).step_by(part as usize) {
                subtrees.push(top([&all[at as usize..][..part as usize]], at));
                // As from a token.
                subtrees = Subtrees::thaw(at / part + 1, &subtrees.freeze()).unwrap();
            }
            let digest = subtrees.finish(top([&all[last as usize..]], last)).unwrap();
            assert_eq!(digest.to_string(), whole(&all), "{parts} parts, the last of {rest}");
            assert_eq!(digest, Digest::of(all.chunks(777)));
        }
    }
}

#[test]
fn what_cannot_be_the_tops_of_so_many_parts_is_none() {
    assert!(Subtrees::thaw(3, &[[0; 32]; 2]).is_some());
    assert!(Subtrees::thaw(4, &[[0; 32]; 2]).is_none());
    assert!(Subtrees::thaw(0, &[]).is_some());
    assert_eq!(Subtrees::default().finish([0; 32]), None);
}

#[test]
fn a_digest_is_compared_with_those_of_its_kind() {
    let digest = Digest::of(["a", "b"]);
    let recorded = whole(b"ab");
    assert_eq!(digest.agrees_with(&recorded), Some(true));
    assert_eq!(digest.agrees_with(&whole(b"other")), Some(false));
    assert_eq!(digest.agrees_with("{BLAKE3}nonsense"), Some(false));
    assert_eq!(digest.agrees_with(&recorded.replace("BLAKE3", "SHA-256")), None);
}
