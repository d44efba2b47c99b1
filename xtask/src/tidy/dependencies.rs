//! Which package may depend on which other of the workspace.
//!
//! The rule behind it: a vendor needs the contract and nothing else, the automation builds when
//! the product does not, and nothing links a plugin: two in one binary clash on the symbol that the
//! loader looks for.

use std::collections::HashSet;

use super::Violation;
use super::manifest::{Dependency, Manifest, manifests};
use super::source::SourceFile;

const CONTRACT: &str = "storage-plugin-api";

/// Checks the dependencies of every package on packages of the workspace.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let manifests = manifests(files);
    let ours: HashSet<_> = manifests.iter().map(|m| m.package.as_str()).collect();
    let plugins: HashSet<_> =
        manifests.iter().filter(|m| m.is_plugin()).map(|m| m.package.as_str()).collect();
    let mut violations = Vec::new();
    for manifest in &manifests {
        for dependency in manifest.dependencies() {
            // A package may name itself, to switch features on for its tests.
            let is_other = dependency.package != manifest.package;
            let is_ours =
                is_other && (dependency.has_path || ours.contains(dependency.package.as_str()));
            let is_plugin = plugins.contains(dependency.package.as_str());
            if is_ours && let Some(allowed) = broken(manifest, &dependency, is_plugin) {
                let what = format!("{} depends on {}", manifest.package, dependency.package);
                violations.push(Violation::new(
                    &manifest.file.path,
                    dependency.line,
                    what,
                    format!("{allowed} (ARCHITECTURE.md, invariants)"),
                ));
            }
        }
    }
    violations
}

/// What the package may depend on, when this dependency is something else.
fn broken(manifest: &Manifest<'_>, on: &Dependency, is_plugin: bool) -> Option<&'static str> {
    let is_contract = on.package == CONTRACT;
    match manifest.folder() {
        "plugin-api/" => Some("the contract depends on no package of the workspace"),
        "xtask/" => Some("xtask depends on no package of the workspace"),
        _ if manifest.is_plugin() => {
            (!is_contract).then_some("of the workspace a plugin depends on storage-plugin-api only")
        }
        "host/" => {
            (!is_contract).then_some("of the workspace the host depends on storage-plugin-api only")
        }
        _ => is_plugin.then_some("a plugin is loaded, never linked; build it and open its library"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn violations(path: &str, dependency: &str) -> Vec<usize> {
        let manifest = |path: &str, name: &str, rest: &str| {
            let text = format!("[package]\nname = \"{name}\"\n[dependencies]\n{rest}\n");
            SourceFile::new(path, text)
        };
        let files = [
            manifest(path, "under-test", dependency),
            manifest("other/a/Cargo.toml", "storage-plugin-api", ""),
            manifest("other/b/Cargo.toml", "storage-host", ""),
            manifest("plugins/storage/volume/sample/Cargo.toml", "storage-volume-sample", ""),
        ];
        check(&files).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn directions_hold() {
        let (api, host) =
            ("storage-plugin-api.workspace = true", "storage-host = { path = \"x\" }");
        let (plugin, foreign) =
            ("storage-volume-sample.workspace = true", "anyhow.workspace = true");
        for (path, allowed, denied) in [
            ("plugin-api/Cargo.toml", vec![foreign], vec![api, host, plugin]),
            ("plugins/storage/image/s3/Cargo.toml", vec![api, foreign], vec![host, plugin]),
            ("xtask/Cargo.toml", vec![foreign], vec![api, host, plugin]),
            ("host/Cargo.toml", vec![api, foreign], vec![plugin]),
            ("tests/Cargo.toml", vec![api, host, foreign], vec![plugin]),
            ("tests/bench/Cargo.toml", vec![api, host, foreign], vec![plugin]),
        ] {
            for dependency in allowed {
                assert_eq!(violations(path, dependency), NONE, "{path}: {dependency}");
            }
            for dependency in denied {
                assert_eq!(violations(path, dependency), [4], "{path}: {dependency}");
            }
        }
    }

    #[test]
    fn a_package_may_name_itself() {
        let itself = "under-test = { path = \".\", features = [\"x\"] }";
        assert_eq!(violations("plugin-api/Cargo.toml", itself), NONE);
    }

    #[test]
    fn a_path_is_enough_to_be_of_the_workspace() {
        assert_eq!(violations("xtask/Cargo.toml", "unheard = { path = \"../y\" }"), [4]);
    }
}
