//! Texts that promise work instead of being work, and tests that do not test.

use super::Violation;
use super::source::{SourceFile, is_word, numbered};

struct Ban {
    /// Begins and ends at the border of a word, where it has a letter there.
    text: &'static str,
    in_comments: bool,
    /// Judges by the file, and by the text from the line of the find on.
    is_allowed: fn(&SourceFile, &str) -> bool,
    way_out: &'static str,
}

const BANS: [Ban; 7] = [
    Ban::of_code("#[ignore", "make the test run everywhere, or name what it needs in suites.rs"),
    Ban::of_code("should_panic", "return the error, and compare it"),
    Ban::of_code("todo!", "write it, or leave the function out"),
    Ban::of_code("unimplemented!", "write it, or return an error that says Unsupported"),
    Ban {
        text: "#![allow(",
        in_comments: false,
        // The macros of abi_stable expand to code that no smaller attribute reaches.
        is_allowed: |file, rest| {
            let attribute = rest.split(']').next().unwrap_or(rest);
            file.is_in("plugin-api/src/abi") && attribute.contains("reason =")
        },
        way_out: "write #[expect(lint, reason = \"…\")] on the smallest item",
    },
    Ban::of_comments("FIXME", "do it, or open an issue and say in the comment what holds today"),
    Ban {
        text: "TODO",
        in_comments: true,
        is_allowed: |_, rest| rest.lines().next().is_some_and(|line| line.contains("TODO(#")),
        way_out: "do it, or open an issue and write TODO(#number)",
    },
];

impl Ban {
    const fn of_code(text: &'static str, way_out: &'static str) -> Self {
        Self { text, in_comments: false, is_allowed: |_, _| false, way_out }
    }

    const fn of_comments(text: &'static str, way_out: &'static str) -> Self {
        Self { text, in_comments: true, is_allowed: |_, _| false, way_out }
    }
}

/// Checks every file of Rust.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for ban in &BANS {
            violations.extend(check_ban(file, ban));
        }
        if file.is_test() {
            violations.extend(check_sleeps(file));
        }
    }
    violations
}

fn check_ban(file: &SourceFile, ban: &Ban) -> impl Iterator<Item = Violation> {
    let view = if ban.in_comments { &file.comments } else { &file.code };
    let mut start = 0;
    let lines = view.split_inclusive('\n').enumerate().map(move |(index, line)| {
        let rest = &view[start..];
        start += line.len();
        (index + 1, line, rest)
    });
    lines.filter(|(_, line, rest)| contains(line, ban.text) && !(ban.is_allowed)(file, rest)).map(
        |(line, ..)| {
            Violation::new(&file.path, line, format!("`{}` is written here", ban.text), ban.way_out)
        },
    )
}

/// A sleep in a test is too short on a slow machine and too long on a quick one.
fn check_sleeps(file: &SourceFile) -> Vec<Violation> {
    let comments: Vec<_> = file.comments.lines().collect();
    let has_reason = |line: usize| {
        let lines = comments.iter().take(line).skip(line.saturating_sub(2));
        lines.into_iter().any(|line| line.contains("sleeps because"))
    };
    numbered(&file.code)
        .filter(|(line, text)| {
            contains(text, "sleep(") && !text.contains("fn sleep(") && !has_reason(*line)
        })
        .map(|(line, _)| {
            Violation::new(
                &file.path,
                line,
                "a test sleeps",
                "wait for the event, with a deadline; or say `// sleeps because …` on the line or \
                 the one before",
            )
        })
        .collect()
}

fn contains(line: &str, text: &str) -> bool {
    let joins = |outer: Option<char>, inner: Option<char>| {
        outer.is_some_and(is_word) && inner.is_some_and(is_word)
    };
    line.match_indices(text).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + text.len()..]);
        !joins(before.chars().next_back(), text.chars().next())
            && !joins(after.chars().next(), text.chars().next_back())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[SourceFile::new(path, text)]).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn promises_are_banned() {
        for text in [
            "#[ignore]",
            "#[ignore = \"slow\"]",
            "#[should_panic(expected = \"x\")]",
            "todo!()",
            "unimplemented!(\"x\")",
            "#![allow(dead_code, reason = \"x\")]",
            "// FIXME later",
            "/// TODO: later",
        ] {
            assert_eq!(lines("host/src/x.rs", text), [1], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_promise_is_not() {
        for text in [
            "let x = \"todo!()\";",
            "// no todo!() here",
            "#[expect(lint, reason = \"x\")]",
            "// TODO(#12): later",
            "// VolumeTODO",
            "mytodo!()",
        ] {
            assert_eq!(lines("host/src/x.rs", text), NONE, "{text}");
        }
    }

    #[test]
    fn the_macros_of_the_boundary_may_need_a_blanket() {
        let lines = |text: &str| lines("plugin-api/src/abi/mod.rs", text);
        assert_eq!(lines("#![allow(unsafe_code, reason = \"macros\")]"), NONE);
        assert_eq!(lines("#![allow(\n    unsafe_code,\n    reason = \"macros\"\n)]"), NONE);
        assert_eq!(lines("#![allow(unsafe_code)]\nlet reason = 1;"), [1]);
    }

    #[test]
    fn a_test_sleeps_only_with_a_reason() {
        let sleep = "std::thread::sleep(d);";
        assert_eq!(lines("tests/it/main.rs", sleep), [1]);
        assert_eq!(lines("host/src/jobs/tests.rs", "tokio::time::sleep(d).await;"), [1]);
        assert_eq!(lines("tests/it/main.rs", &format!("{sleep} // sleeps because x")), NONE);
        assert_eq!(lines("tests/it/main.rs", &format!("// sleeps because x\n{sleep}")), NONE);
        assert_eq!(lines("tests/it/main.rs", &format!("// sleeps because x\n\n{sleep}")), [3]);
        assert_eq!(lines("host/src/jobs/mod.rs", sleep), NONE);
    }
}
