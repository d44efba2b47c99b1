//! Images to move.

use anyhow::Result;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;
/// How many stretches of data there are in a sparse image.
const STRETCHES: u64 = 50;

/// A file of bytes that nothing can pack.
pub(crate) fn random(path: &Path, bytes: u64) -> Result<()> {
    let mut file = BufWriter::with_capacity(MIB as usize, File::create(path)?);
    let mut noise = Noise(bytes | 1);
    for _ in 0..bytes / MIB {
        file.write_all(&noise.mib())?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

/// A file of holes, with so many bytes of data strewn over it.
pub(crate) fn sparse(path: &Path, bytes: u64, data: u64) -> Result<()> {
    let file = File::create(path)?;
    file.set_len(bytes)?;
    let mut noise = Noise(data | 1);
    for stretch in 0..STRETCHES {
        let begin = stretch * (bytes / STRETCHES / MIB * MIB);
        for number in 0..data / STRETCHES / MIB {
            file.write_all_at(&noise.mib(), begin + number * MIB)?;
        }
    }
    file.sync_all()?;
    Ok(())
}

/// Xorshift: noise is needed, not chance.
struct Noise(u64);

impl Noise {
    fn mib(&mut self) -> Vec<u8> {
        let words = (0..MIB / 8).map(|_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        });
        words.flat_map(u64::to_le_bytes).collect()
    }
}
