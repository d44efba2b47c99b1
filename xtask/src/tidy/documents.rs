//! The documents at the root: they stay short, and their links lead to files.

use super::Violation;
use super::source::{SourceFile, numbered};

const LINKING: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];

/// A document and how many lines it may have.
const LIMITS: [(&str, usize); 2] = [("README.md", 200), ("ARCHITECTURE.md", 200)];

/// Where the part begins that is looked up, not read: it grows with what is decided.
const LOOKED_UP: &str = "## Decisions";

/// Checks that links to files of the workspace have a file, or a folder, at their end.
pub(super) fn check_links(files: &[SourceFile]) -> Vec<Violation> {
    let exists = |path: &str| {
        let path = path.trim_start_matches("./").trim_end_matches('/');
        files.iter().any(|file| {
            file.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| LINKING.contains(&file.path.as_str())) {
        for (line, target) in links(&file.text) {
            if !exists(target) {
                violations.push(Violation::new(
                    &file.path,
                    line,
                    format!("the link to {target} leads nowhere"),
                    "correct it: it is read from the folder of the document",
                ));
            }
        }
    }
    violations
}

/// Checks that the documents one is to read are short enough to be read.
pub(super) fn check_length(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, limit) in LIMITS {
        let Some(file) = files.iter().find(|file| file.path == path) else {
            continue;
        };
        let lines = file.text.lines().take_while(|line| *line != LOOKED_UP).count();
        if lines > limit {
            violations.push(Violation::new(
                path,
                limit + 1,
                format!("{lines} lines where {limit} are the limit"),
                "move detail to the documentation of the code it is about",
            ));
        }
    }
    violations
}

/// The targets of links to files, without the place inside the file.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (number, line) in numbered(text) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for (at, opening) in line.match_indices("](") {
            let inside = &line[at + opening.len()..];
            let target = inside.split([')', '#', ' ']).next().unwrap_or(inside);
            if !target.is_empty() && !target.contains(':') {
                found.push((number, target));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_file_or_a_folder() {
        let text = "[a](host/src/lib.rs) [b](host/) [c](./plugins.toml#x) [d](#here)\n\
                    [e](https://example.org/x) ![f](missing.png)\n\
                    ```\n[g](nowhere.md)\n```\n[h](hos \"title\")";
        let files = [
            SourceFile::new("README.md", text),
            SourceFile::new("host/src/lib.rs", ""),
            SourceFile::new("plugins.toml", ""),
        ];
        let lines: Vec<_> = check_links(&files).into_iter().map(|v| v.line).collect();
        assert_eq!(lines, [2, 6]);
    }

    #[test]
    fn documents_stay_short() {
        let check =
            |path, lines: usize| check_length(&[SourceFile::new(path, "x\n".repeat(lines))]).len();
        assert_eq!((check("README.md", 200), check("README.md", 201)), (0, 1));
        assert_eq!((check("ARCHITECTURE.md", 200), check("ARCHITECTURE.md", 201)), (0, 1));
        let decisions = format!("{}{LOOKED_UP}\n{}", "x\n".repeat(199), "x\n".repeat(300));
        assert_eq!(check_length(&[SourceFile::new("ARCHITECTURE.md", decisions)]).len(), 0);
        assert_eq!(check("CHANGELOG.md", 5000), 0);
    }
}
