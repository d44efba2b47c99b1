//! The two layers above the file: the `STORAGE_HOST_…` variables and the flags.
//!
//! What it is not: it never asks the process for its environment behind the caller's back; an
//! [`Environment`] is captured once, or made by a test.
//!
//! **Invariant:** a variable with our prefix is understood or refused, never ignored: a typing
//! error in a secret's name must not start a host without the secret.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

use super::document::Document;
use super::host::{self, HostSection};
use super::keys::{Key, subject_of};
use super::problem::Place;
use super::report::Report;
use super::rows::PluginDraft;
use super::secret_file;
use super::settings::{Setting, SettingsDraft};
use super::storage;
use super::suggest;
use super::values::Raw;

/// The beginning of every variable of ours.
const PREFIX: &str = "STORAGE_HOST_";

/// The beginning of a variable that sets `settings.<key>` of a plugin.
const PLUGIN_PREFIX: &str = "STORAGE_HOST_PLUGIN_";

/// Variables that others than this module read.
const KNOWN: &[&str] = &["STORAGE_HOST_CONFIG"];

/// The captured variables that begin with `STORAGE_HOST_`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

/// What the command line says. Relative paths start at the working directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Replaces `[host] listen`.
    pub listen: Option<SocketAddr>,
    /// Replaces `[host] data_dir`.
    pub data_dir: Option<PathBuf>,
}

impl Environment {
    /// Captures the variables of this process.
    pub fn capture() -> Self {
        let variables = std::env::vars_os();
        variables.map(|(name, value)| (name.to_string_lossy().into_owned(), value)).collect()
    }

    /// Applies the variables to what the file says.
    pub(super) fn apply(&self, document: &mut Document, report: &mut Report<'_>) {
        let mut settings = Vec::new();
        for (name, value) in &self.variables {
            let Some(value) = value.to_str() else {
                report.variable(name, "", "the value is not UTF-8; set it to text");
                continue;
            };
            let raw = Raw::Text(value);
            let host = &mut document.host;
            if set("[host]", host::SECTION.keys, host, name, raw, report)
                || set("[storage]", storage::SECTION.keys, &mut document.storage, name, raw, report)
            {
                continue;
            }
            if let Some((index, key)) = plugin_setting(name, &document.plugins) {
                settings.push((index, key, name.as_str(), value));
            } else if !KNOWN.contains(&name.as_str()) {
                refuse(name, &document.plugins, report);
            }
        }
        // Two variables of one setting replace what the file says, not one another.
        for (index, key, ..) in &settings {
            document.plugins[*index].settings.forget(key);
        }
        for (index, key, name, value) in settings {
            document.plugins[index].settings.set(key, name, value);
        }
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.filter(|(name, _)| name.starts_with(PREFIX)).collect() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Overrides {
    /// Puts the flags over everything else.
    pub(super) fn apply(&self, host: &mut HostSection) {
        if let Some(listen) = self.listen {
            host.listen = listen;
        }
        if let Some(data_dir) = &self.data_dir {
            host.data_dir.clone_from(data_dir);
        }
    }
}

/// Sets the key whose twin a variable is. `false` where it is the twin of none of them.
fn set<T>(
    section: &str,
    keys: &[Key<T>],
    target: &mut T,
    variable: &str,
    value: Raw<'_>,
    report: &mut Report<'_>,
) -> bool {
    let Some(key) = keys.iter().find(|key| host_variable(key.name) == variable) else {
        return false;
    };
    if let Err(refusal) = (key.set)(target, value) {
        report.variable(variable, &subject_of(section, key.name), refusal);
    }
    true
}

/// Returns the variable that is the twin of a key of `[host]` or `[storage]`.
pub(super) fn host_variable(key: &str) -> String {
    format!("{PREFIX}{}", upper(key))
}

/// Finds the plugin and the key of its settings that a variable sets. Of plugins `a` and `a-b`,
/// the longer name that fits is meant.
fn plugin_setting(variable: &str, plugins: &[PluginDraft]) -> Option<(usize, String)> {
    let rest = variable.strip_prefix(PLUGIN_PREFIX)?;
    let fitting = plugins.iter().enumerate().filter_map(|(index, plugin)| {
        let key = rest.strip_prefix(&upper(&plugin.row.name))?.strip_prefix('_')?;
        (!plugin.row.name.is_empty() && !key.is_empty()).then_some((index, key))
    });
    let (index, key) = fitting.min_by_key(|(_, key)| key.len())?;
    let spelled = plugins[index].settings.spelling(key);
    Some((index, spelled.unwrap_or_else(|| key.to_lowercase())))
}

/// Reports a variable that nothing reads. Its value stays out: it may be a secret.
fn refuse(name: &str, plugins: &[PluginDraft], report: &mut Report<'_>) {
    let twins = host::SECTION.keys.iter().map(|key| host_variable(key.name));
    let of_storage = storage::SECTION.keys.iter().map(|key| host_variable(key.name));
    let known: Vec<String> =
        twins.chain(of_storage).chain(KNOWN.iter().map(|name| (*name).to_owned())).collect();
    // The common beginning would make all names look alike.
    let for_plugin = name.starts_with(PLUGIN_PREFIX);
    let prefix = if for_plugin { PLUGIN_PREFIX } else { PREFIX };
    let ends = known.iter().filter_map(|known| known.strip_prefix(prefix));
    let message = if let Some(end) = suggest::nearest(&name[prefix.len()..], ends) {
        format!("unknown variable; did you mean {prefix}{end}?")
    } else if !for_plugin {
        format!("unknown variable; unset it, known are {}, {PLUGIN_PREFIX}…", known.join(", "))
    } else if plugins.is_empty() {
        "the file has no plugin; unset it or add a [[plugin]] row".to_owned()
    } else {
        let names = plugins.iter().map(|plugin| upper(&plugin.row.name));
        let names: Vec<_> = names.map(|name| format!("{PLUGIN_PREFIX}{name}_<KEY>")).collect();
        format!("no setting of a plugin in the file; write {}", names.join(" or "))
    };
    // A row that could not be read may be the one that is meant.
    let unread = !report.is_whole() || plugins.iter().any(|plugin| plugin.row.name.is_empty());
    if !for_plugin || !unread {
        report.variable(name, "", message);
    }
}

/// Writes a name or key as a part of a variable's name.
fn upper(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

impl SettingsDraft {
    /// Finds how the file spells a key, be it with hyphens or capitals, which variables cannot be.
    fn spelling(&self, key: &str) -> Option<String> {
        let spellings = self.0.keys().flat_map(|key| {
            let own = secret_file::twin(key).map(str::to_owned);
            [Some(key.clone()), Some(format!("{key}{}", secret_file::SUFFIX)), own]
        });
        spellings.flatten().find(|spelled| upper(spelled) == key)
    }

    /// Takes out what the file says about a setting, be it the value or the file that holds it.
    fn forget(&mut self, key: &str) {
        self.0.remove(key);
        self.0.remove(&format!("{key}{}", secret_file::SUFFIX));
        if let Some(own) = secret_file::twin(key) {
            self.0.remove(own);
        }
    }

    /// Sets a setting from a variable.
    fn set(&mut self, key: String, variable: &str, value: &str) {
        let place = Place::Variable { name: variable.to_owned() };
        self.0.insert(key, Setting { value: Value::from(value), place });
    }
}
