//! What the contract promises is proven: a case that its documentation names exists in the kit.
//!
//! A bullet of a **Behavior** section may end in "(case `group::name`)", or name several:
//! "(cases `a::b`, `a::c`)".

use super::Violation;
use super::source::{SourceFile, numbered};

const CONTRACT: &str = "plugin-api/src/";
const KITS: [&str; 2] = ["plugin-api/src/conformance", "host/src/conformance"];

/// Checks that every case named by the contract's documentation is in the conformance kit. While
/// there is no kit there is nothing to check.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let is_kit = |file: &&SourceFile| file.is_rust() && KITS.iter().any(|kit| file.is_in(kit));
    let kit: Vec<_> = files.iter().filter(is_kit).map(|file| file.bare.as_str()).collect();
    if kit.is_empty() {
        return Vec::new();
    }
    let exists = |case: &str| kit.iter().any(|text| text.contains(&format!("\"{case}\"")));
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(CONTRACT)) {
        for (line, case) in numbered(&file.comments).flat_map(cases) {
            if !exists(case) {
                violations.push(Violation::new(
                    &file.path,
                    line,
                    format!("no case `{case}` in the conformance kit"),
                    "write the case, or correct its name: a promise is worth its proof",
                ));
            }
        }
    }
    violations
}

/// The names in the parentheses that begin with "(case" or "(cases".
fn cases((number, line): (usize, &str)) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for opening in ["(case `", "(cases `"] {
        for (at, _) in line.match_indices(opening) {
            let inside = &line[at + opening.len() - 1..];
            let inside = inside.split(')').next().unwrap_or(inside);
            let quoted = inside.split('`').skip(1).step_by(2);
            found.extend(quoted.filter(|name| name.contains("::")).map(|name| (number, name)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn lines(doc: &str, kit: &str) -> Vec<usize> {
        let files = [
            SourceFile::new("plugin-api/src/driver/mod.rs", doc),
            SourceFile::new("plugin-api/src/conformance/delete.rs", kit),
        ];
        check(&files).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_named_case_exists() {
        let doc = "/// # Behavior\n/// - Succeeds (case `delete::missing_is_ok`).\n";
        assert_eq!(lines(doc, "case(\"delete::missing_is_ok\", f)"), NONE);
        assert_eq!(lines(doc, "// \"delete::missing_is_ok\""), [2]);
        assert_eq!(lines(doc, "case(\"delete::missing\", f)"), [2]);
    }

    #[test]
    fn several_cases_may_be_named() {
        let doc = "/// - Works (cases `a::b`, `a::c`) and `d::e`.\n";
        assert_eq!(lines(doc, "[\"a::b\", \"a::c\"]"), NONE);
        assert_eq!(lines(doc, "[]"), [1, 1]);
    }

    #[test]
    fn without_a_kit_nothing_is_checked() {
        let doc = SourceFile::new("plugin-api/src/a.rs", "/// (case `a::b`)");
        assert_eq!(check(&[doc]), []);
    }
}
