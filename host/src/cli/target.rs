//! The plugin that a verb speaks of: a row of plugins.toml, or a library by its path.

use super::args::Common;
use super::run::config;
use crate::config::{HostConfig, PluginKind, PluginRow};
use crate::loader::confine::locate;
use crate::loader::digest::Digest;
use crate::loader::load::inspect_located;
use crate::loader::{Inspected, Loader, Refusal};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// A plugin to look at, with a loader that leaves no traces in the host's data directory.
pub(super) struct Target {
    pub(super) row: PluginRow,
    pub(super) loader: Loader,
    file: PathBuf,
    // Markers and results of probes go here and away.
    _scratch: tempfile::TempDir,
}

impl Target {
    /// Finds the plugin that `word` names. Anything with a slash, and any file that is there, is
    /// a path; all else is the name of a row.
    pub(super) fn find(common: &Common, word: &str) -> anyhow::Result<Self> {
        let path = Path::new(word);
        let is_path = word.contains('/') || path.is_file();
        let (row, file, config) = if is_path {
            let (row, file) = row_of_file(path)?;
            (row, file, config(common).unwrap_or_else(|_| defaults()))
        } else {
            let config = config(common)?;
            let row = config.plugins.iter().find(|row| row.name == word).cloned();
            let Some(row) = row else {
                let names: Vec<&str> = config.plugins.iter().map(|row| row.name.as_str()).collect();
                bail!(
                    "{} has no plugin {word:?}; it has {}; give a path to look at a library",
                    config.origin.display(),
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                );
            };
            let directory = config.host.plugin_dir.join(row.kind.to_string());
            (row.clone(), directory.join(row.file_name()), config)
        };
        let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
        let mut loader = Loader::new(&config);
        loader.data_dir = scratch.path().to_owned();
        Ok(Self { row, loader, file, _scratch: scratch })
    }

    /// Looks at the library without running it.
    pub(super) fn inspect(&self) -> Result<Inspected, Refusal> {
        let directory = self.file.parent().unwrap_or(Path::new("/"));
        let name = |path: &Path| {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let above = directory.parent().unwrap_or(Path::new("/"));
        let located = locate(above, &name(directory), &name(&self.file))?;
        inspect_located(located, self.row.sha256.map(Digest).as_ref())
    }
}

fn defaults() -> HostConfig {
    HostConfig {
        origin: PathBuf::from("plugins.toml"),
        host: crate::config::HostSection::default(),
        storage: crate::config::StorageSection::default(),
        plugins: Vec::new(),
    }
}

fn row_of_file(path: &Path) -> anyhow::Result<(PluginRow, PathBuf)> {
    let file = std::path::absolute(path).with_context(|| format!("cannot find {path:?}"))?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.with_context(|| format!("{path:?} names no file"))?;
    let kind = match file.parent().and_then(Path::file_name) {
        Some(directory) if directory == "image" => PluginKind::Image,
        _ => PluginKind::Volume,
    };
    let name = stem.strip_prefix("lib").unwrap_or(&stem);
    Ok((PluginRow::of_file(name, kind), file))
}
