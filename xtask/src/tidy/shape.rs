//! The shape of a file: it says what it is, and it ends before one is lost in it.

use super::Violation;
use super::source::SourceFile;

/// Lines of a file, its tests not counted.
const MAX_LINES: usize = 600;

/// Lines of a file of tests.
const MAX_TEST_LINES: usize = 1000;

/// Files that may be longer, each with the reason.
const LONGER: &[(&str, &str)] = &[];

/// Checks that no file of Rust is too long.
pub(super) fn check_length(files: &[SourceFile]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.is_rust() && !LONGER.iter().any(|(path, _)| *path == file.path))
        .filter_map(|file| {
            let (lines, limit) = if file.is_test() {
                (file.text.lines().count(), MAX_TEST_LINES)
            } else {
                (file.test_lines().iter().filter(|is_test| !**is_test).count(), MAX_LINES)
            };
            (lines > limit).then(|| {
                Violation::new(
                    &file.path,
                    limit + 1,
                    format!("{lines} lines where {limit} are the limit"),
                    "give each concept its file; a table goes into LONGER of \
                     xtask/src/tidy/shape.rs, with the reason",
                )
            })
        })
        .collect()
}

/// Checks that every file of Rust begins with its head comment.
pub(super) fn check_head(files: &[SourceFile]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.is_rust() && !has_head(&file.text))
        .map(|file| {
            Violation::new(
                &file.path,
                1,
                "the file does not say what it is",
                "begin it with `//!`: what it is, what it is not, the invariant it keeps",
            )
        })
        .collect()
}

/// Whether a file begins with its documentation, in it or included.
fn has_head(text: &str) -> bool {
    text.starts_with("//!") || text.starts_with("#![doc = include_str!(")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_too_long(path: &str, lines: usize, tests: usize) -> bool {
        let text = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn f() {}\n".repeat(lines),
            "fn t() {}\n".repeat(tests)
        );
        !check_length(&[SourceFile::new(path, text)]).is_empty()
    }

    #[test]
    fn tests_beside_the_code_are_not_counted() {
        assert!(!is_too_long("a/src/b.rs", 600, 500));
        assert!(is_too_long("a/src/b.rs", 601, 0));
    }

    #[test]
    fn a_file_of_tests_may_be_longer() {
        for path in ["a/src/b/tests.rs", "tests/it/main.rs", "a/tests/b.rs"] {
            assert!(!is_too_long(path, 900, 0), "{path}");
            assert!(is_too_long(path, 1000, 0), "{path}");
        }
    }

    #[test]
    fn every_file_says_what_it_is() {
        let check = |text: &str| check_head(&[SourceFile::new("a.rs", text)]).len();
        assert_eq!((check("//! A.\n"), check("// A.\n"), check("")), (0, 1, 1));
    }
}
