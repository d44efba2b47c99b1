//! Ranges of a file become zeros, in place.
//!
//! Invariant: the file keeps its length all the time. Who cuts a file off and lengthens it again
//! leaves a short one when it is killed in between.

use super::{failed, next_data};
use crate::error::PluginResult as Result;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How many zeros are written at once.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// Makes a range of a file zeros: a hole, where the file system makes one in the middle of a file;
/// otherwise they are written, over data only. Moves the file's position. Not yet durable.
///
/// The path is what errors name.
///
/// # Errors
/// What the file system says.
pub fn make_zeros(file: &File, path: &Path, range: Range<u64>) -> Result<()> {
    if range.is_empty() || punch(file, &range) {
        return Ok(());
    }
    write_zeros(file, path, range)
}

fn write_zeros(file: &File, path: &Path, range: Range<u64>) -> Result<()> {
    let mut at = range.start;
    while let Some(run) = next_data(file, path, at, range.end)? {
        at = run.start;
        while at < run.end {
            let now = (run.end - at).min(ZEROS.len() as u64);
            let zeros = ZEROS.get(..now as usize).unwrap_or(&ZEROS);
            file.write_all_at(zeros, at).map_err(|error| failed("write", path, &error))?;
            at += now;
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn punch(file: &File, range: &Range<u64>) -> bool {
    let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, hole, range.start, range.end - range.start).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn punch(_: &File, _: &Range<u64>) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECE: u64 = ZEROS.len() as u64;

    #[test]
    fn a_range_becomes_zeros_whether_a_hole_can_be_made_or_not() {
        for by_hole in [true, false] {
            let make = if by_hole { make_zeros } else { write_zeros };
            let path = std::env::temp_dir().join(format!("zeros-{}", uuid::Uuid::new_v4()));
            let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            file.write_all_at(&vec![7; 3 * PIECE as usize], 0).unwrap();
            file.set_len(64 * PIECE).unwrap();
            make(&file, &path, PIECE - 1..64 * PIECE).unwrap();
            let mut bytes = vec![1; 64 * PIECE as usize];
            file.read_exact_at(&mut bytes, 0).unwrap();
            let (kept, zeros) = bytes.split_at(PIECE as usize - 1);
            assert!(kept.iter().all(|byte| *byte == 7) && zeros.iter().all(|byte| *byte == 0));
            let found = file.metadata().unwrap();
            assert_eq!(found.len(), 64 * PIECE);
            // What was a hole stays one.
            assert!(super::super::physical(&found) <= 4 * PIECE, "{found:?}");
        }
    }

    /// A file that refuses to become shorter shows that it never does.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_file_is_never_shorter() {
        use rustix::fs::{MemfdFlags, SealFlags};
        let sealed = rustix::fs::memfd_create("zeros", MemfdFlags::ALLOW_SEALING).unwrap();
        let file = File::from(sealed);
        file.write_all_at(&vec![7; 2 * PIECE as usize], 0).unwrap();
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        assert!(file.set_len(PIECE).is_err());
        make_zeros(&file, Path::new("sealed"), PIECE..2 * PIECE).unwrap();
        let mut bytes = vec![1; 2 * PIECE as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes[..PIECE as usize].iter().all(|byte| *byte == 7));
        assert!(bytes[PIECE as usize..].iter().all(|byte| *byte == 0));
    }
}
