//! `cargo xtask tidy`: the rules of the house as code, checked from the source text.
//!
//! A rule is a pure function from the files of the workspace to what is wrong with them; [`RULES`]
//! lists them, one file per group. **To add a rule** write the function with its tests, and a row.

mod abi_hash;
mod banned;
mod behavior;
mod boundaries;
mod console;
mod dependencies;
mod documents;
mod manifest;
mod manifests;
mod rooms;
mod shape;
mod source;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use self::source::SourceFile;
use crate::ui;
use crate::workspace::Workspace;

/// Something that breaks a rule, and the way out.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    /// Counted from one.
    line: usize,
    what: String,
    way_out: String,
}

impl Violation {
    fn new(
        path: impl Into<String>,
        line: usize,
        what: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), line, what: what.into(), way_out: way_out.into() }
    }
}

/// A rule over the whole workspace: what it finds depends on nothing but the text.
type Rule = fn(&[SourceFile]) -> Vec<Violation>;

const RULES: &[(&str, Rule)] = &[
    ("dependencies", dependencies::check),
    ("manifests", manifests::check),
    ("rooms", rooms::check),
    ("boundaries", boundaries::check),
    ("length", shape::check_length),
    ("head", shape::check_head),
    ("banned", banned::check),
    ("abi-hash", abi_hash::check),
    ("behavior", behavior::check),
    ("console", console::check),
    ("links", documents::check_links),
    ("document-length", documents::check_length),
];

/// Folders at the root that hold what was built and what a host stored.
const SKIPPED_AT_ROOT: [&str; 2] = ["target", "data"];

/// Folders of tools, wherever they are; nobody wrote what is in them.
const SKIPPED_FOLDERS: [&str; 3] = [".git", "node_modules", "__pycache__"];

/// Files of these kinds are read. Of any other only the name counts.
const TEXT_EXTENSIONS: [&str; 9] = ["rs", "toml", "md", "html", "css", "js", "svg", "json", "sh"];

/// No lines, for comparing in tests.
#[cfg(test)]
const NONE: [usize; 0] = [];

/// Prints every violation of every rule, and fails when there is one.
pub(crate) fn tidy(workspace: &Workspace) -> Result<()> {
    let mut files = Vec::new();
    collect(workspace.root(), "", &mut files)?;
    let mut count = 0;
    for (rule, check) in RULES {
        for violation in check(&files) {
            let Violation { path, line, what, way_out } = violation;
            ui::line(format_args!("{path}:{line}: [{rule}] {what}\n    {way_out}"));
            count += 1;
        }
    }
    if count > 0 {
        bail!("tidy: violations: {count}");
    }
    ui::line(format_args!("tidy: {} rules hold in {} files", RULES.len(), files.len()));
    Ok(())
}

/// Reads the files under `folder` in the order of their names. Symbolic links are not followed.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    let shown = folder.display();
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot list {shown}"))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(|| format!("cannot list {shown}"))?;
        let is_skipped = SKIPPED_FOLDERS.contains(&name.as_str())
            || (prefix.is_empty() && SKIPPED_AT_ROOT.contains(&name.as_str()));
        if kind.is_dir() && !is_skipped {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            files.push(SourceFile::new(&path, read(&entry.path())?));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    if !TEXT_EXTENSIONS.contains(&&*extension) {
        return Ok(String::new());
    }
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    // A fixture may be broken on purpose.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_and_built_things_are_skipped() {
        let root = tempfile::tempdir().unwrap();
        for path in ["target/x.rs", "host/src/data/x.rs", "a.so", "b/.git/x.rs"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"//! x").unwrap();
        }
        let mut files = Vec::new();
        collect(root.path(), "", &mut files).unwrap();
        let found: Vec<_> = files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
        assert_eq!(found, [("a.so", ""), ("host/src/data/x.rs", "//! x")]);
    }
}
