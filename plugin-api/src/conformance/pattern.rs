//! The bytes that the kit writes: pseudo-random, the same for the same run, with runs of zeros.
//!
//! Any range can be made without the rest, so a reader may be checked at every offset.

use crate::digest::Digest;
use std::sync::OnceLock;

/// What a pattern is made of: 64 KiB.
const BLOCK: u64 = 64 << 10;

/// What data is made of: a divisor of the block.
const PAGE: u64 = 4096;

const NOISE_BYTES: usize = 1 << 16;

/// Blocks at the start that are written: 1 MiB of data, 1 MiB of a hole, 1 MiB of data.
const HEAD: u64 = 48;
const HOLE: std::ops::Range<u64> = 16..32;

/// Blocks at the end that are written; what lies between is never sent.
const TAIL: u64 = 2;

/// The bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    seed: u64,
    /// How many bytes it has.
    pub(super) size: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zeros,
    Mixed,
    /// Data up to here, zeros behind.
    Front(u64),
}

/// What a run of a pattern holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Data,
    /// Zeros that are written, as a hole where the store takes holes.
    Hole,
    /// Zeros because nothing is written there.
    Untouched,
}

/// A run of bytes of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) content: Content,
}

impl Pattern {
    /// Nothing but zeros.
    pub(super) const fn zeros(size: u64) -> Self {
        Self { seed: 0, size, kind: Kind::Zeros }
    }

    /// Data, a hole, data, nothing, data.
    pub(super) const fn mixed(seed: u64, size: u64) -> Self {
        Self { seed, size, kind: Kind::Mixed }
    }

    /// Data up to an offset.
    pub(super) const fn front(seed: u64, size: u64, data: u64) -> Self {
        Self { seed, size, kind: Kind::Front(data) }
    }

    /// The front of another pattern; zeros behind.
    pub(super) const fn front_of(whole: &Self, data: u64) -> Self {
        Self::front(whole.seed, whole.size, data)
    }

    fn content(&self, block: u64) -> Content {
        let blocks = self.size.div_ceil(BLOCK);
        match self.kind {
            Kind::Zeros | Kind::Front(_) => Content::Untouched,
            Kind::Mixed if HOLE.contains(&block) && block + TAIL < blocks => Content::Hole,
            Kind::Mixed if block < HEAD || block + TAIL >= blocks => Content::Data,
            Kind::Mixed => Content::Untouched,
        }
    }

    /// Its runs, in order, without gaps.
    pub(super) fn runs(&self) -> Vec<Run> {
        if let Kind::Front(data) = self.kind {
            let data = data.min(self.size);
            let run = |offset, length, content| Run { offset, length, content };
            return [run(0, data, Content::Data), run(data, self.size - data, Content::Untouched)]
                .into_iter()
                .filter(|run| run.length > 0)
                .collect();
        }
        let mut runs: Vec<Run> = Vec::new();
        let mut block = 0;
        while block * BLOCK < self.size {
            let content = self.content(block);
            let mut end = block + 1;
            while end * BLOCK < self.size && self.content(end) == content {
                // What is never sent may be very long.
                end = match content {
                    Content::Untouched => {
                        self.size.div_ceil(BLOCK).saturating_sub(TAIL).max(end + 1)
                    }
                    _ => end + 1,
                };
            }
            let offset = block * BLOCK;
            let length = (end * BLOCK).min(self.size) - offset;
            runs.push(Run { offset, length, content });
            block = end;
        }
        runs
    }

    /// Where the data of a page ends: at its start, if it has none.
    fn data_end(&self, page: u64) -> u64 {
        let (start, end) = (page * PAGE, (page + 1) * PAGE);
        let data_end = match self.kind {
            Kind::Front(data) => data.min(self.size),
            _ if self.content(start / BLOCK) == Content::Data => self.size,
            _ => start,
        };
        data_end.clamp(start, end)
    }

    /// Fills a buffer with the bytes from an offset on; zeros behind the end.
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8]) {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + filled as u64;
            let page = at / PAGE;
            let in_page = (at % PAGE) as usize;
            let take = (PAGE as usize - in_page).min(buffer.len() - filled);
            let (data, zeros) = {
                let into = &mut buffer[filled..filled + take];
                let data = self.data_end(page).saturating_sub(at);
                into.split_at_mut(take.min(data as usize))
            };
            zeros.fill(0);
            if !data.is_empty() {
                self.fill_page(page, in_page, data);
            }
            filled += take;
        }
    }

    /// Data of one page: its number, mixed, and behind it a stretch of noise that begins where
    /// that number says. Cheap, and no two pages are alike.
    fn fill_page(&self, page: u64, from: usize, into: &mut [u8]) {
        let tag = mix(self.seed ^ mix(page));
        let label = tag.to_le_bytes();
        let labelled = label.len().saturating_sub(from).min(into.len());
        if labelled > 0 {
            into[..labelled].copy_from_slice(&label[from..from + labelled]);
        }
        let rest = &mut into[labelled..];
        let start = (tag as usize % NOISE_BYTES) + from + labelled;
        rest.copy_from_slice(&noise()[start..start + rest.len()]);
    }

    /// The bytes from an offset on.
    pub(super) fn bytes(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut buffer = vec![0; length];
        self.fill(offset, &mut buffer);
        buffer
    }

    /// The digest of all bytes.
    pub(super) fn digest(&self) -> Digest {
        let piece = |at| self.bytes(at, (self.size - at).min(1 << 20) as usize);
        Digest::of((0..self.size).step_by(1 << 20).map(piece))
    }

    /// The first byte of data in a range.
    pub(super) fn first_data(&self, offset: u64, length: u64) -> Option<u64> {
        self.runs()
            .into_iter()
            .filter(|run| run.content == Content::Data)
            .find(|run| run.offset < offset + length && run.offset + run.length > offset)
            .map(|run| run.offset.max(offset))
    }
}

/// Pseudo-random bytes that no part of the kit ever changes.
fn noise() -> &'static [u8] {
    static NOISE: OnceLock<Vec<u8>> = OnceLock::new();
    NOISE.get_or_init(|| {
        let words = (NOISE_BYTES as u64 + PAGE) / 8;
        (0..words).flat_map(|word| mix(word).to_le_bytes()).collect()
    })
}

/// The finaliser of SplitMix64.
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number of a text (FNV-1a).
pub(super) fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_the_pattern_and_say_what_it_holds() {
        for size in [512, BLOCK + 7, 3 * BLOCK, 5 << 20, (40 << 20) + 512, 1 << 50] {
            for pattern in
                [Pattern::zeros(size), Pattern::mixed(7, size), Pattern::front(7, size, 1000)]
            {
                let mut end = 0;
                for run in pattern.runs() {
                    assert_eq!(run.offset, end);
                    assert!(run.length > 0);
                    end += run.length;
                    let length = run.length.min(600) as usize;
                    let bytes = pattern.bytes(run.offset, length);
                    let zeros = bytes.iter().all(|byte| *byte == 0);
                    assert_eq!(zeros, run.content != Content::Data, "{pattern:?} {run:?}");
                }
                assert_eq!(end, size);
            }
        }
    }

    #[test]
    fn any_range_is_the_range_of_the_whole() {
        let pattern = Pattern::mixed(3, (4 << 20) + 100);
        let whole = pattern.bytes(0, (4 << 20) + 200);
        for (offset, length) in [(1, 77), (8, 8), (65_530, 20), (1 << 20, 9), (4 << 20, 150)] {
            let range = pattern.bytes(offset, length);
            assert_eq!(range, whole[offset as usize..offset as usize + length]);
        }
        assert!(whole[(4 << 20) + 100..].iter().all(|byte| *byte == 0));
        assert_ne!(Pattern::mixed(4, 100).bytes(0, 100), pattern.bytes(0, 100));
    }
}
