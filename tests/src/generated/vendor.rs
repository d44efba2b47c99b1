//! A vendor's plugin: made from nothing but what `plugin-api/README.md` tells a vendor.

use super::workspace::{build, built, directory, locked, plugin_manifest, write, write_lock_file};
use crate::artifacts::{cargo, file_name, root, run};
use crate::fail::OrFail;
use std::fs;
use std::path::PathBuf;

/// The complete example of the contract's documentation: the one that exports a plugin.
pub fn example() -> String {
    let path = root().join("plugin-api/README.md");
    let readme = fs::read_to_string(path).or_fail("read the contract's documentation");
    let blocks = readme.split("\n```rust\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("\n```").next());
    let example = blocks.find(|block| block.contains("export_plugin!("));
    example.or_fail("plugin-api/README.md has a complete example of a plugin").to_owned()
}

/// Builds the example outside the workspace, with the contract as its only dependency.
///
/// With a toolchain that is not the host's, if one is named.
pub fn vendor_library(toolchain: Option<&str>) -> PathBuf {
    let _lock = locked();
    let crates = directory().join(format!("vendor-{}", toolchain.unwrap_or("same")));
    let contract = root().join("plugin-api");
    let dependency = format!("storage-plugin-api = {{ path = {contract:?} }}");
    let manifest = plugin_manifest("storage-volume-acme", &dependency);
    write(&crates.join("Cargo.toml"), &format!("{manifest}\n[workspace]\n"));
    write(&crates.join("src/lib.rs"), &example());
    write_lock_file(&crates);
    let Some(toolchain) = toolchain else {
        build(&crates, &[]);
        return built("storage_volume_acme");
    };
    // Cargo itself is of the other toolchain, too; compilers do not share what they built.
    let target = crates.join("target");
    let mut build = cargo("build");
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        build.env_remove(variable);
    }
    let mut build = through_rustup(&build, toolchain);
    run(build.current_dir(&crates).arg("--target-dir").arg(&target));
    target.join("debug").join(file_name("storage_volume_acme"))
}

/// The same command, run by the cargo of another toolchain.
fn through_rustup(command: &std::process::Command, toolchain: &str) -> std::process::Command {
    let mut other = std::process::Command::new("cargo");
    other.arg(format!("+{toolchain}")).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}
