//! What the probe found, kept between starts: an unchanged library with unchanged settings needs
//! no second probe.
//!
//! The key holds the library's digest, so nothing else about the file matters; a result that
//! cannot be read, or is of another host, is as good as none.

use super::digest::Digest;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use storage_plugin_api::Settings;
use storage_plugin_api::abi::{ABI_REVISION, ABI_VERSION, Manifest, RUSTC};

/// Results of probes, one file each.
#[derive(Debug, Clone)]
pub struct ProbeCache {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    manifest: Manifest,
}

impl ProbeCache {
    /// The cache in a data directory.
    pub fn new(data_dir: &Path) -> Self {
        Self { directory: data_dir.join("probes") }
    }

    fn path_of(&self, plugin: &str) -> PathBuf {
        self.directory.join(format!("{plugin}.json"))
    }

    /// What a probe of this library with these settings found.
    pub fn find(&self, plugin: &str, digest: &Digest, settings: &Settings) -> Option<Manifest> {
        let text = fs::read(self.path_of(plugin)).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (entry.key == key(digest, settings)).then_some(entry.manifest)
    }

    /// Keeps what a probe found. A failure costs the next start a probe, nothing else.
    pub fn keep(&self, plugin: &str, digest: &Digest, settings: &Settings, manifest: &Manifest) {
        let entry = Entry { key: key(digest, settings), manifest: manifest.clone() };
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| Ok(serde_json::to_vec(&entry)?))
            .and_then(|text| {
                let temporary = self.directory.join(format!(".{plugin}.new"));
                fs::write(&temporary, text)?;
                fs::rename(temporary, self.path_of(plugin))
            });
        if let Err(error) = written {
            log::warn!(plugin = plugin; "cannot keep the result of the probe: {error}");
        }
    }
}

/// Settings may hold secrets, so the key is a digest of everything.
fn key(digest: &Digest, settings: &Settings) -> String {
    let settings = serde_json::to_string(settings.as_map()).unwrap_or_default();
    let host = env!("CARGO_PKG_VERSION");
    let all = format!("{host} {ABI_VERSION} {ABI_REVISION} {RUSTC}\n{digest}\n{settings}");
    match Digest::of_reader(all.as_bytes()) {
        Ok(key) => key.to_string(),
        // Reading memory does not fail; were it to, the entry would match nothing.
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    #[test]
    fn only_the_same_library_with_the_same_settings_is_found() {
        let data = tempfile::tempdir().unwrap();
        let cache = ProbeCache::new(data.path());
        let digest = Digest::of_reader(&b"library"[..]).unwrap();
        let other = Digest::of_reader(&b"other"[..]).unwrap();
        let settings = Settings::from_map(Map::from_iter([("key".to_owned(), json!("hush"))]));
        let manifest = Manifest { name: "Acme".to_owned(), ..Manifest::default() };
        cache.keep("acme", &digest, &settings, &manifest);
        assert_eq!(cache.find("acme", &digest, &settings), Some(manifest));
        assert_eq!(cache.find("acme", &other, &settings), None);
        assert_eq!(cache.find("acme", &digest, &Settings::new()), None);
        let kept = fs::read_to_string(cache.path_of("acme")).unwrap();
        assert!(!kept.contains("hush"), "{kept}");
    }
}
