//! `plugins.toml` as a typed configuration.
//!
//! What it is: the one reader of the configuration file, of the `STORAGE_HOST_…` variables and of
//! the flags that override both. What it is not: it opens no library, starts no runtime, knows no
//! provider's schema; besides the configuration file it reads only the secret files that settings
//! name.
//!
//! **Invariant:** nothing is guessed or dropped. An unknown key, word or variable is refused, all
//! problems of a file are reported together, and no value of `settings` reaches a message, a
//! `Debug` output or [`HostConfig::to_json`].
//!
//! **Precedence:** defaults < file < environment < flags.
//!
//! Start reading at [`HostConfig::parse`]. A new key is one line in a table ([`HostSection`] in
//! `host.rs`, [`StorageSection`] in `storage.rs`, [`PluginRow`] in `plugin.rs`) and one field; the shipped `plugins.toml` documents it.

mod host;
mod plugin;
mod settings;
mod storage;

mod duration;
mod environment;
mod problem;

mod document;
mod keys;
mod report;
mod rows;
mod secret_file;
mod show;
mod source;
mod suggest;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use self::duration::{DurationText, DurationTextError};
pub use self::environment::{Environment, Overrides};
pub use self::host::HostSection;
pub use self::plugin::{Isolation, PluginKind, PluginRow};
pub use self::problem::{ConfigError, Place, Problem};
pub use self::settings::Settings;
pub use self::storage::StorageSection;
pub use self::words::UnknownWord;

use self::document::Document;
use self::report::Report;

/// The whole configuration of a host, complete and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct HostConfig {
    /// The file the configuration came from, as it was named.
    pub origin: PathBuf,
    /// The `[host]` table.
    pub host: HostSection,
    /// The `[storage]` table.
    pub storage: StorageSection,
    /// The `[[plugin]]` rows in the order of the file, the disabled ones included.
    pub plugins: Vec<PluginRow>,
}

impl HostConfig {
    /// Reads the configuration file `path` and applies `env` and `overrides`.
    ///
    /// # Errors
    /// The file cannot be read or is not UTF-8; else whatever [`HostConfig::parse`] finds.
    pub fn load(
        path: &Path,
        env: &Environment,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let text = source::read(path)?;
        Self::parse(&text, path, env, overrides)
    }

    /// Reads the configuration from `text`; `origin` names it in messages, and relative paths of
    /// the file and of the environment start at the directory of `origin`.
    ///
    /// # Errors
    /// Every problem of the text, of the variables and of the secret files, together.
    pub fn parse(
        text: &str,
        origin: &Path,
        env: &Environment,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut report = Report::new(origin, text);
        let mut document = Document::read(text, &mut report);
        env.apply(&mut document, &mut report);

        rows::compare(&document.plugins, &mut report);
        let base = origin.parent().unwrap_or(Path::new(""));
        let plugins = rows::finish(document.plugins, base, &mut report);
        let mut host = document.host;
        host.resolve_paths(base);
        overrides.apply(&mut host);

        report.into_result()?;
        Ok(Self { origin: origin.to_path_buf(), host, storage: document.storage, plugins })
    }

    /// Returns the effective values for people and scripts, in the words of the file.
    ///
    /// Values of settings are masked as `"(set)"`.
    pub fn to_json(&self) -> Value {
        let plugins: Vec<Value> = self.plugins.iter().map(PluginRow::to_json).collect();
        json!({
            "origin": self.origin.to_string_lossy(),
            "host": self.host.to_json(),
            "storage": self.storage.to_json(),
            "plugin": plugins,
        })
    }
}
