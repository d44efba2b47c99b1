//! Inspection of damaged ELF files: copied in part, overwritten, changed at random. Mapped by a
//! dynamic loader, most of them end the process by a signal.

use super::fixture::{Bench, Random, host};
use crate::loader::refusal::RefusalCode::*;

#[test]
fn library_that_was_copied_in_part_is_refused() {
    let bench = Bench::new();
    let whole = bench.plugin();
    let parts = [50, 90, 99].map(|percent| whole.len() * percent / 100);
    for length in [20, 64, 4096].into_iter().chain(parts).chain([whole.len() - 1]) {
        let has = format!("has only {length}");
        bench.refused(&whole[..length], &host(), Truncated, &[&has, "ends at byte", "then rename"]);
    }
}

#[test]
fn library_whose_tail_is_a_hole_is_refused() {
    let bench = Bench::new();
    let whole = bench.plugin();
    for length in [64, 4096, whole.len() / 2, whole.len() * 9 / 10] {
        let mut bytes = whole.clone();
        bytes[length..].fill(0);
        bench.refused(&bytes, &host(), Malformed, &["build or copy it again"]);
    }
}

#[test]
fn garbage_behind_a_valid_header_is_refused() {
    let bench = Bench::new();
    let whole = bench.plugin();
    for seed in 0..200 {
        let mut bytes = whole.clone();
        let end = bytes.len();
        // Past the header; past the program headers; the section table alone; a part of it.
        let start = match seed % 4 {
            0 => 64,
            1 => 64 + 56 * 13,
            2 => end - 64 * 12,
            _ => end - 64 * 4 - 16,
        };
        Random(seed).fill(&mut bytes, start..end);
        let refusal = bench.inspect(&bytes, &host()).unwrap_err();
        assert!(matches!(refusal.code, Malformed | Truncated), "seed {seed}: {refusal}");
        assert!(refusal.what.contains("libtried.so") && !refusal.way_out.is_empty());
        assert!(seed % 4 != 0 || refusal.code == Malformed, "seed {seed}: {refusal}");
    }
}

#[test]
fn no_damage_makes_the_reader_panic() {
    let bench = Bench::new();
    let whole = bench.plugin();
    let mut random = Random(42);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..500 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(8) {
            // Most of a library is code, where damage is not seen: aim at the tables as well.
            let area = match round % 3 {
                0 => 0..bytes.len(),
                1 => 0..4096,
                _ => bytes.len() - 64 * 30..bytes.len(),
            };
            let at = area.start + random.below(area.len());
            bytes[at] = random.next() as u8;
        }
        match bench.inspect(&bytes, &host()) {
            Ok(_) => accepted += 1,
            Err(refusal) => {
                assert!(refusal.what.contains("libtried.so"), "round {round}: {refusal}");
                refused += 1;
            }
        }
    }
    assert!(accepted > 20 && refused > 100, "{accepted} accepted, {refused} refused");
}
