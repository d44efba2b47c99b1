//! Writes crates and builds them.

use crate::artifacts::{cargo, file_name, root, run, target_directory};
use crate::fail::OrFail;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where generated crates lie.
pub(super) fn directory() -> PathBuf {
    target_directory().join("fixtures")
}

/// Keeps other test processes from writing and building the same; released when dropped.
pub(super) fn locked() -> File {
    fs::create_dir_all(directory()).or_fail("make a directory");
    let file = File::create(directory().join("lock")).or_fail("make a lock file");
    file.lock().or_fail("lock the generated crates");
    file
}

/// Writes a file unless it is as it should be.
pub(super) fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return;
    }
    fs::create_dir_all(path.parent().or_fail("a path in a directory")).or_fail("make a directory");
    fs::write(path, text).or_fail("write a generated file");
}

/// The versions of dependencies are those of the workspace.
pub(super) fn write_lock_file(crates: &Path) {
    let ours = fs::read_to_string(root().join("Cargo.lock")).or_fail("read Cargo.lock");
    let origin = crates.join("Cargo.lock.origin");
    // Cargo removes from its copy what is not needed; that alone must not make it start anew.
    if fs::read_to_string(&origin).is_ok_and(|found| found == ours) {
        return;
    }
    write(&crates.join("Cargo.lock"), &ours);
    write(&origin, &ours);
}

/// Builds the crates in a directory, with further arguments.
pub(super) fn build(crates: &Path, arguments: &[&str]) {
    let mut build = cargo("build");
    // As in the workspace: debug information would only slow the link down.
    build.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
    build.current_dir(crates).arg("--target-dir").arg(directory().join("target"));
    run(build.args(arguments));
}

/// A built library.
pub(super) fn built(library: &str) -> PathBuf {
    directory().join("target/debug").join(file_name(library))
}

/// The manifest of a crate that is a plugin.
pub(super) fn plugin_manifest(package: &str, dependency: &str) -> String {
    format!(
        "[package]\nname = \"{package}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         license = \"MIT\"\npublish = false\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\n{dependency}\n"
    )
}

/// A manifest of the workspace as it would stand alone: what it inherits is written out.
pub(super) fn standing_alone(manifest: &Path) -> Table {
    let parse = |path: &Path| -> Table {
        fs::read_to_string(path).or_fail("read a manifest").parse().or_fail("a manifest")
    };
    let (mut table, workspace) = (parse(manifest), parse(&root().join("Cargo.toml")));
    let inherited = &workspace["workspace"];
    for section in ["dependencies", "package"] {
        let of = if section == "package" { "package" } else { "dependencies" };
        let keys = table.get_mut(section).and_then(Value::as_table_mut).or_fail("a section");
        for (key, value) in keys.iter_mut() {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            if inherits {
                let optional = value.get("optional").cloned();
                *value = inherited[of][key].clone();
                if let Some(optional) = optional {
                    *value = with_optional(value, optional);
                }
            }
        }
    }
    for section in ["dev-dependencies", "lints"] {
        table.remove(section);
    }
    // A root of its own: it lies below the real workspace.
    table.insert("workspace".to_owned(), Value::Table(Table::new()));
    table
}

/// A dependency with a word that only its user says.
fn with_optional(dependency: &Value, optional: Value) -> Value {
    let mut table = match dependency {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    table.insert("optional".to_owned(), optional);
    Value::Table(table)
}
