//! The `[[plugin]]` rows: which libraries the host loads, and how.
//!
//! What it is not: it looks for no library, whether one exists is the loader's matter; and the
//! reading of rows is in `rows.rs`.
//!
//! **Invariant:** the words of kind and isolation are those of the file, wherever they are shown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use super::host;
use super::keys::{Key, Section, key};
use super::settings::Settings;
use super::values;
use super::words::{UnknownWord, Word, parse_word, word_of};

/// One plugin: a library and how the host runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRow {
    /// The row's name, unique in the file: lower-case letters, digits, hyphens.
    pub name: String,
    /// The kind of data store that it serves, which is also the library's directory.
    pub kind: PluginKind,
    /// The library's own name, without the platform's prefix and suffix. Default
    /// `storage_<kind>_<name>` with underscores for hyphens.
    pub library: String,
    /// Whether the host loads it. Default true.
    pub enabled: bool,
    /// Whether the host refuses to start without it. Default false.
    pub required: bool,
    /// Where its code runs. Default in-process.
    pub isolation: Isolation,
    /// The digest that the library must have, if one is pinned.
    pub sha256: Option<[u8; 32]>,
    /// How long a driver call may make no progress, if not as `[host]` says.
    pub call_timeout: Option<Duration>,
    /// Settings of the provider, secrets of `_file` keys read in; those of a disabled row are as
    /// written.
    pub settings: Settings,
    /// The line of the row in the file, from 1.
    pub line: usize,
}

/// The kind of data store that a plugin serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PluginKind {
    /// Image stores: templates, ISOs, snapshots.
    Image,
    /// Storage pools: volumes.
    Volume,
}

/// Where the code of a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// In the host's own process: fastest, and trusted not to crash.
    InProcess,
    /// In a child process of the host, which may crash alone.
    Process,
}

/// The keys of a `[[plugin]]` row.
pub(super) const SECTION: Section<PluginRow> = Section {
    keys: KEYS,
    nested: &["settings"],
    elsewhere: |name| host::SECTION.knows(name).then_some("[host]"),
};

const KEYS: &[Key<PluginRow>] = &[
    key!(name: values::plugin_name),
    key!(kind: values::word::<PluginKind>),
    key!(library: values::library_name),
    key!(enabled: values::boolean),
    key!(required: values::boolean),
    key!(isolation: values::word::<Isolation>),
    key!(sha256: values::sha256),
    key!(call_timeout: values::timeout),
];

impl PluginRow {
    /// Returns the file name of the library on this platform.
    pub fn file_name(&self) -> String {
        use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
        format!("{DLL_PREFIX}{}{DLL_SUFFIX}", self.library)
    }

    /// Returns a row with defaults for a library that no configuration speaks of.
    pub fn of_file(name: &str, kind: PluginKind) -> Self {
        Self { name: name.to_owned(), kind, library: name.to_owned(), ..Self::unset(0) }
    }

    /// Returns the effective values under their keys, values of settings masked.
    pub(super) fn to_json(&self) -> Value {
        let mut shown = SECTION.show(self);
        shown.insert("settings".to_owned(), self.settings.masked());
        shown.insert("line".to_owned(), json!(self.line));
        Value::Object(shown)
    }

    /// Returns a row of which only the defaults are set.
    pub(super) fn unset(line: usize) -> Self {
        Self {
            name: String::new(),
            kind: PluginKind::Volume,
            library: String::new(),
            enabled: true,
            required: false,
            isolation: Isolation::InProcess,
            sha256: None,
            call_timeout: None,
            settings: Settings::default(),
            line,
        }
    }
}

impl Word for PluginKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("volume", Self::Volume), ("image", Self::Image)];
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

impl FromStr for PluginKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_word(text)
    }
}

impl Word for Isolation {
    const WORDS: &'static [(&'static str, Self)] =
        &[("in-process", Self::InProcess), ("process", Self::Process)];
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(*self))
    }
}

impl FromStr for Isolation {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_word(text)
    }
}
