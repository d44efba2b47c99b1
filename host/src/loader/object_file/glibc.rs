//! Versions of the GNU C library: as a library asks for them, and the one this process runs with.
//!
//! A library built on a newer system fails to load with a message that names a symbol version
//! and no cause; compared here, the refusal can say so. The invariant: an unknown version is
//! `None` and refuses nothing; the dynamic loader has the last word.

use std::{fs, path::Path, str, sync::OnceLock};

use object::{Object, ObjectSection, ReadCache};

/// The library opens its banner with this text, and says its version after the next.
const BANNER: &[u8] = b"GNU C Library";
const VERSION: &[u8] = b" release version ";
/// The banner is a line or two.
const BANNER_LENGTH: usize = 400;

/// The version of glibc that this process runs with, or `None` if it runs without one.
///
/// The C library tells it only through an unsafe call, so it is read from the library's own file,
/// the one that is mapped into this process; once.
pub fn running() -> Option<(u32, u32)> {
    static RUNNING: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *RUNNING.get_or_init(|| {
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        version_of(Path::new(mapped_libc(&maps)?))
    })
}

/// The first two numbers of a version like `2.36` or `2.2.5`.
pub(super) fn parse_version(text: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = str::from_utf8(text).ok()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The path of the C library among the mappings of a process. A library that was replaced since
/// is marked ` (deleted)` and not found: its file would tell another version.
fn mapped_libc(maps: &str) -> Option<&str> {
    maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..])).find(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"))
    })
}

fn version_of(libc: &Path) -> Option<(u32, u32)> {
    let cache = ReadCache::new(fs::File::open(libc).ok()?);
    // Only constants are searched, a tenth of the file.
    let file = object::File::parse(&cache).ok()?;
    banner_version(file.section_by_name(".rodata")?.data().ok()?)
}

fn banner_version(constants: &[u8]) -> Option<(u32, u32)> {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|at| at == what);
    let banner = &constants[find(constants, BANNER)?..];
    let banner = &banner[..banner.len().min(BANNER_LENGTH)];
    let version = &banner[find(banner, VERSION)? + VERSION.len()..];
    let end = version.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.')?;
    parse_version(&version[..end])
}

#[cfg(test)]
mod tests {
    use super::{banner_version, mapped_libc, parse_version};

    #[test]
    fn versions_are_read_from_their_names() {
        assert_eq!(parse_version(b"2.36"), Some((2, 36)));
        assert_eq!(parse_version(b"2.2.5"), Some((2, 2)));
        for odd in ["", "2", "PRIVATE", "ABI_DT_RELR", "2.x", "-1.2", "99999999999.1"] {
            assert_eq!(parse_version(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn c_library_is_found_among_the_mappings() {
        let line = |path| format!("7f00-7f01 r--p 00000000 08:01 42 {path}\n");
        let maps =
            ["[heap]", "/usr/lib/libcrypt.so.1", "/lib/x86_64-linux-gnu/libc.so.6"].map(line);
        assert_eq!(mapped_libc(&maps.concat()), Some("/lib/x86_64-linux-gnu/libc.so.6"));
        assert_eq!(mapped_libc(&line("/lib64/libc-2.31.so")), Some("/lib64/libc-2.31.so"));
        assert_eq!(mapped_libc(&line("/lib/libc.so.6 (deleted)")), None);
        assert_eq!(mapped_libc(&line("/lib/ld-musl-x86_64.so.1")), None);
    }

    #[test]
    fn version_is_read_from_the_banner() {
        let text =
            b"x\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright";
        assert_eq!(banner_version(text), Some((2, 36)));
        let text = b"GNU C Library development release version 2.41.9000.\n";
        assert_eq!(banner_version(text), Some((2, 41)));
        for odd in ["", "GNU C Library", "GNU C Library release version ", " release version 2.3."]
        {
            assert_eq!(banner_version(odd.as_bytes()), None, "{odd}");
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn this_process_runs_with_a_known_version() {
        let version = super::running().unwrap();
        assert!(version >= (2, 17), "{version:?}");
    }
}
