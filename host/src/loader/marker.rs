//! The marker "loading X": if the host dies while it loads X into its own process, the next start
//! finds the marker, skips X and says so.
//!
//! It outlives the process, however that ends: by a signal, an exit, `kill -9`. It is not synced,
//! so it may not outlive the machine. That is meant: what brings a machine down has brought it
//! down in the probe, which sets no marker; and a marker on the disk whose removal is not there
//! yet would, after a power failure, refuse a plugin that loaded well.

use super::digest::Digest;
use super::refusal::{Refusal, RefusalCode};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A marker that stands until it is cleared.
#[derive(Debug)]
pub struct LoadingMarker {
    path: PathBuf,
}

impl LoadingMarker {
    fn path_of(data_dir: &Path, plugin: &str) -> PathBuf {
        data_dir.join("loading").join(plugin)
    }

    /// Refuses a plugin whose marker still stands, unless its library was replaced since.
    ///
    /// # Errors
    /// `DiedLastTime`.
    pub fn check(data_dir: &Path, plugin: &str, digest: &Digest) -> Result<(), Refusal> {
        let path = Self::path_of(data_dir, plugin);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(());
        };
        if text.trim() != digest.to_string() {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::DiedLastTime,
            format!("cannot load plugin {plugin:?}"),
            "the host ended while it was loading this plugin, the last time it tried",
            format!(
                "install a mended library, or set isolation = \"process\" in its row; to try this \
                 one again delete {}",
                path.display()
            ),
        ))
    }

    /// Sets the marker.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn set(data_dir: &Path, plugin: &str, digest: &Digest) -> io::Result<Self> {
        let path = Self::path_of(data_dir, plugin);
        let directory = data_dir.join("loading");
        if !directory.is_dir() {
            fs::create_dir_all(&directory)?;
        }
        fs::write(&path, format!("{digest}\n"))?;
        Ok(Self { path })
    }

    /// Clears the marker: the plugin is loaded, or was refused in good order.
    pub fn clear(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::warn!(path:? = self.path; "cannot remove the marker of a loaded plugin: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: &str) -> Digest {
        Digest::of_reader(of.as_bytes()).unwrap()
    }

    #[test]
    fn a_standing_marker_refuses_the_same_library_only() {
        let data = tempfile::tempdir().unwrap();
        let marker = LoadingMarker::set(data.path(), "acme", &digest("one")).unwrap();
        let refusal = LoadingMarker::check(data.path(), "acme", &digest("one")).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::DiedLastTime);
        assert!(refusal.way_out.contains("loading/acme"), "{refusal}");
        LoadingMarker::check(data.path(), "acme", &digest("two")).unwrap();
        LoadingMarker::check(data.path(), "other", &digest("one")).unwrap();
        marker.clear();
        LoadingMarker::check(data.path(), "acme", &digest("one")).unwrap();
    }
}
