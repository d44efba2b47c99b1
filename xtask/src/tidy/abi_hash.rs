//! The ABI does not change without a word: a hash of its source stands in the contract's log.
//!
//! Only code counts. Comments, white space, and what tests alone see may change freely.

use super::Violation;
use super::source::{SourceFile, numbered};

const ABI: &str = "plugin-api/src/abi";
const CHANGELOG: &str = "plugin-api/CHANGELOG.md";
const KEY: &str = "abi-hash:";

/// Checks that the topmost hash of the change log is the one of the source.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    if !files.iter().any(|file| file.is_in(ABI) && file.is_rust()) {
        return Vec::new();
    }
    let actual = format!("{:016x}", hash(files));
    let written = files.iter().find(|file| file.path == CHANGELOG).and_then(newest);
    if written.is_some_and(|(_, hash)| hash == actual) {
        return Vec::new();
    }
    let way_out = format!("describe it in {CHANGELOG} and write there, at the top: {KEY} {actual}");
    vec![Violation::new(CHANGELOG, written.map_or(1, |(line, _)| line), "the ABI changed", way_out)]
}

/// The newest entry is the topmost: an older one may have the same hash when a change is undone.
fn newest(changelog: &SourceFile) -> Option<(usize, &str)> {
    numbered(&changelog.text).find_map(|(line, text)| {
        let (_, hash) = text.split_once(KEY)?;
        Some((line, hash.trim().trim_matches('`')))
    })
}

/// FNV-1a, 64 bits: it notices changes, and nobody attacks it.
fn hash(files: &[SourceFile]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut abi: Vec<_> =
        files.iter().filter(|file| file.is_in(ABI) && file.is_rust() && !file.is_test()).collect();
    abi.sort_by_key(|file| &file.path);
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    abi.into_iter().flat_map(|file| normalised(file).into_bytes()).fold(BASIS, step)
}

/// The code without tests, as words and signs with one space between them.
fn normalised(file: &SourceFile) -> String {
    let is_test = file.test_lines();
    let lines = file.bare.lines().zip(is_test).filter(|(_, is_test)| !is_test);
    let mut text = String::new();
    for word in lines.flat_map(|(line, _)| line.split_whitespace()) {
        text.push_str(word);
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! Doc.\nfn f(a: u8) -> u8 { a }\n";

    fn files(source: &str, changelog: &str) -> [SourceFile; 2] {
        [
            SourceFile::new("plugin-api/src/abi/mod.rs", source),
            SourceFile::new(CHANGELOG, changelog),
        ]
    }

    #[test]
    fn the_topmost_hash_must_be_that_of_the_source() {
        let right = format!("abi-hash: {:016x}", hash(&files(SOURCE, "")));
        let wrong = "abi-hash: 0123456789abcdef";
        assert_eq!(check(&files(SOURCE, &format!("# Log\n{right}\n{wrong}\n"))), []);
        let violations = check(&files(SOURCE, &format!("# Log\n{wrong}\n{right}\n")));
        assert_eq!(violations[0].line, 2);
        assert!(violations[0].way_out.ends_with(&right), "{violations:?}");
        assert_eq!(check(&files(SOURCE, "")).len(), 1);
    }

    #[test]
    fn only_code_counts() {
        let hash = |source: &str| hash(&files(source, ""));
        let original = hash(SOURCE);
        assert_eq!(original, hash("fn f(a: u8)\n    -> u8 { a } // x\n#[cfg(test)]\nmod tests;\n"));
        assert_ne!(original, hash("fn f(a: u16) -> u8 { a }\n"));
        assert_ne!(hash("const A: &str = \"a\";"), hash("const A: &str = \"b\";"));
    }

    #[test]
    fn no_abi_needs_no_hash() {
        assert_eq!(check(&[SourceFile::new(CHANGELOG, "")]), []);
    }
}
