//! What every manifest keeps: panics unwind, and a plugin is a library for loading and nothing
//! else.
//!
//! Unwinding is part of the contract: a vendor's panic becomes an error of its call. A second crate
//! type would switch link-time optimisation off and let plugins be linked.

use toml::Value;

use super::Violation;
use super::manifest::{Manifest, manifests, tables};
use super::source::{SourceFile, numbered};

/// Checks the profiles of all manifests, and the crates of the plugins.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations: Vec<_> = tables(files)
        .filter(|(_, table)| table.get("profile").is_some_and(aborts))
        .map(|(file, _)| {
            Violation::new(
                &file.path,
                line_of(file, "\"abort\""),
                "a profile sets panic = \"abort\"",
                "a panic of a plugin must unwind to the guard; remove the setting",
            )
        })
        .collect();
    for manifest in manifests(files).iter().filter(|manifest| manifest.is_plugin()) {
        violations.extend(crate_type(manifest));
        violations.extend(forbids_unsafe(manifest, files));
    }
    violations
}

/// Whether `panic = "abort"` stands anywhere below: in a profile, or in its overrides.
fn aborts(value: &Value) -> bool {
    value.as_table().is_some_and(|table| {
        table.iter().any(|(key, value)| {
            (key == "panic" && value.as_str() == Some("abort")) || aborts(value)
        })
    })
}

fn crate_type(manifest: &Manifest<'_>) -> Option<Violation> {
    let kinds = manifest.table.get("lib").and_then(|lib| lib.get("crate-type")?.as_array());
    let is_cdylib =
        kinds.is_some_and(|kinds| kinds.len() == 1 && kinds[0].as_str() == Some("cdylib"));
    (!is_cdylib).then(|| {
        Violation::new(
            &manifest.file.path,
            line_of(manifest.file, "crate-type"),
            "a plugin's library is of another crate type, or of several",
            "write crate-type = [\"cdylib\"] under [lib]",
        )
    })
}

fn forbids_unsafe(manifest: &Manifest<'_>, files: &[SourceFile]) -> Option<Violation> {
    let path = format!("{}src/lib.rs", manifest.folder());
    let root = files.iter().find(|file| file.path == path);
    let forbids = root.is_some_and(|root| root.code.contains("#![forbid(unsafe_code)]"));
    (!forbids).then(|| {
        Violation::new(
            path,
            1,
            "a plugin may contain unsafe code",
            "write #![forbid(unsafe_code)] after the head comment of src/lib.rs",
        )
    })
}

fn line_of(file: &SourceFile, text: &str) -> usize {
    numbered(&file.text).find(|(_, line)| line.contains(text)).map_or(1, |(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(crate_type: &str, lib: &str) -> usize {
        let manifest = format!("[package]\nname = \"p\"\n[lib]\ncrate-type = {crate_type}\n");
        let files = [
            SourceFile::new("plugins/storage/image/p/Cargo.toml", manifest),
            SourceFile::new("plugins/storage/image/p/src/lib.rs", lib),
        ];
        check(&files).len()
    }

    #[test]
    fn a_plugin_is_a_cdylib_without_unsafe_code() {
        let forbids = "//! P.\n#![forbid(unsafe_code)]\n";
        assert_eq!(plugin("[\"cdylib\"]", forbids), 0);
        assert_eq!(plugin("[\"cdylib\", \"rlib\"]", forbids), 1);
        assert_eq!(plugin("[\"lib\"]", "//! #![forbid(unsafe_code)]"), 2);
    }

    #[test]
    fn no_profile_aborts() {
        let check = |text: &str| check(&[SourceFile::new("Cargo.toml", text)]);
        assert_eq!(check("[profile.dev]\npanic = \"unwind\"\n[lib]\nname = \"abort\"\n"), []);
        assert_eq!(check("[profile.x.package.y]\nopt-level = 1\npanic = \"abort\"\n")[0].line, 3);
    }
}
