//! Where things are: the root, the target directory, the plugins.

use std::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::Value;

use crate::process;

/// The package with the product's binary, and that binary's name.
pub(crate) const HOST: &str = "storage-host";

/// The workspace on disk.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

/// What a plugin stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Secondary storage: templates, ISOs, snapshots
    Image,
    /// Primary storage: volumes
    Volume,
}

/// A plugin whose source is in the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plugin {
    pub(crate) kind: Kind,
    pub(crate) package: String,
}

impl Workspace {
    /// Finds the workspace that this program was built from.
    pub(crate) fn locate() -> Result<Self> {
        // Set by `cargo run`; without it (the binary started by hand) what the compiler saw holds.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir
            .parent()
            .with_context(|| format!("{} has no parent directory", manifest_dir.display()))?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The directory of the workspace's manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that plugins of this kind have their sources and staged libraries in.
    pub(crate) fn plugin_folder(&self, kind: Kind) -> PathBuf {
        self.root.join(kind.folder())
    }

    /// The plugins whose sources are here, found by listing, in the order of their paths.
    pub(crate) fn plugins(&self) -> Result<Vec<Plugin>> {
        let mut plugins = Vec::new();
        for kind in [Kind::Image, Kind::Volume] {
            for directory in directories(&self.plugin_folder(kind))? {
                let manifest = directory.join("Cargo.toml");
                if manifest.is_file() {
                    plugins.push(Plugin { kind, package: package_name(&manifest)? });
                }
            }
        }
        Ok(plugins)
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_directory(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let directory = metadata["target_directory"].as_str();
        Ok(PathBuf::from(directory.context("cargo metadata names no target directory")?))
    }

    /// The members of the workspace that are compiled to a library for loading: plugins, and
    /// fixtures of the tests.
    pub(crate) fn loadable_packages(&self) -> Result<Vec<String>> {
        Ok(loadable(&self.metadata()?))
    }

    fn metadata(&self) -> Result<Value> {
        let mut command =
            process::cargo(self, ["metadata", "--no-deps", "--format-version", "1", "--quiet"]);
        serde_json::from_str(&process::output(&mut command)?).context("cargo metadata")
    }
}

impl Kind {
    /// The folder of the kind, from the root of the workspace.
    pub(crate) fn folder(self) -> String {
        format!("plugins/storage/{self}")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Volume => "volume",
        })
    }
}

impl Plugin {
    /// The file name of the compiled library.
    pub(crate) fn library(&self) -> String {
        library_name(&self.package)
    }
}

/// The file name that a package's shared library has on this system.
pub(crate) fn library_name(package: &str) -> String {
    let stem = package.replace('-', "_");
    format!("{}{stem}{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

fn loadable(metadata: &Value) -> Vec<String> {
    let is_loadable = |package: &&Value| {
        list(&package["targets"])
            .any(|target| list(&target["crate_types"]).any(|kind| kind == "cdylib"))
    };
    list(&metadata["packages"])
        .filter(is_loadable)
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn directories(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot list {}", folder.display()))?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

fn package_name(manifest: &Path) -> Result<String> {
    let text = fs::read_to_string(manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let table: toml::Table =
        text.parse().with_context(|| format!("cannot parse {}", manifest.display()))?;
    let name = table.get("package").and_then(|package| package.get("name")?.as_str());
    Ok(name.with_context(|| format!("{} names no package", manifest.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_by_listing() {
        let root = tempfile::tempdir().unwrap();
        for (folder, package) in
            [("image/s3", "storage-image-s3"), ("volume/rbd", "storage-volume-rbd")]
        {
            let folder = root.path().join("plugins/storage").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("Cargo.toml"), format!("[package]\nname = \"{package}\"\n"))
                .unwrap();
        }
        fs::create_dir(root.path().join("plugins/storage/volume/empty")).unwrap();
        fs::write(root.path().join("plugins/storage/volume/libx.so"), "").unwrap();

        let plugins = Workspace { root: root.path().to_path_buf() }.plugins().unwrap();

        let found: Vec<_> = plugins.iter().map(|p| (p.kind, p.package.as_str())).collect();
        assert_eq!(
            found,
            [(Kind::Image, "storage-image-s3"), (Kind::Volume, "storage-volume-rbd")]
        );
    }

    #[test]
    fn a_library_is_named_after_its_package() {
        let name = library_name("storage-volume-sample");
        assert!(name.contains("storage_volume_sample."), "{name}");
    }

    #[test]
    fn loadable_packages_are_those_with_a_cdylib() {
        let metadata = serde_json::json!({ "packages": [
            { "name": "host", "targets": [{ "crate_types": ["lib"] }, { "crate_types": ["bin"] }] },
            { "name": "sample", "targets": [{ "crate_types": ["cdylib"] }] },
        ] });
        assert_eq!(loadable(&metadata), ["sample"]);
    }
}
