//! From the `[[plugin]]` tables of the file to plugin rows.
//!
//! What it is not: a table of keys; that is in `plugin.rs`. A row is a draft until the environment
//! has had its say.
//!
//! **Invariant:** in a finished configuration names are unique, and so are kind and library
//! together: one library is one row.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Places, subject_of};
use super::plugin::{PluginRow, SECTION};
use super::report::Report;
use super::secret_file;
use super::settings::{self, SettingsDraft};
use super::words::quote;

/// The keys that a row must have, each with a line that would do.
const NEEDED: &[(&str, &str)] =
    &[("name", "name = \"sample\""), ("kind", "kind = \"volume\", or \"image\"")];

/// A row while it is read.
pub(super) struct PluginDraft {
    pub(super) row: PluginRow,
    pub(super) settings: SettingsDraft,
    /// How messages name the row.
    pub(super) subject: String,
    places: Places,
    start: usize,
}

impl PluginDraft {
    /// Reads row `number` of the file, counted from 1.
    fn read(number: usize, start: usize, table: &DeTable<'_>, report: &mut Report<'_>) -> Self {
        let name = table.get("name").and_then(|name| name.get_ref().as_str());
        let subject = match name {
            Some(name) => format!("plugin {}", quote(name)),
            None => format!("plugin number {number}"),
        };
        let mut row = PluginRow::unset(report.position(start).0);
        let places = SECTION.walk(table, &mut row, &subject, report);
        for (key, line) in NEEDED {
            if table.get(*key).is_none() {
                report.missing(start, &subject, format_args!("{key} is missing; add {line}"));
            }
        }
        let named = ["name", "kind"].iter().all(|key| places.contains_key(key));
        if named && !table.contains_key("library") {
            row.library = format!("storage_{}_{}", row.kind, row.name.replace('-', "_"));
        }
        let settings = settings::read(table.get("settings"), &subject, report);
        Self { row, settings, subject, places, start }
    }

    /// Tells whether the value of a key was taken.
    fn has(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Reports what is wrong with the value of a key, or with its lack.
    fn reports(&self, key: &str, message: String, report: &mut Report<'_>) {
        let place = self.places.get(key).copied().unwrap_or(self.start);
        report.at(place, &subject_of(&self.subject, key), message);
    }
}

/// Reads the `plugin` key of the file: an array of tables.
pub(super) fn read_rows(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Vec<PluginDraft> {
    let mut drafts = Vec::new();
    let single = std::slice::from_ref(value);
    let rows: &[Spanned<DeValue<'_>>] = match value.get_ref() {
        DeValue::Array(rows) => rows,
        _ => single,
    };
    for (index, row) in rows.iter().enumerate() {
        let start = row.span().start;
        match row.get_ref() {
            DeValue::Table(table) => {
                drafts.push(PluginDraft::read(index + 1, start, table, report));
            }
            _ => report.at(start, "plugin", "this is no table; write a row under [[plugin]]"),
        }
    }
    if value.get_ref().is_table() {
        let message = "one pair of brackets makes no row; write [[plugin]]";
        report.at(value.span().start, "plugin", message);
    }
    drafts
}

/// Reports names and libraries that are given twice.
pub(super) fn compare(drafts: &[PluginDraft], report: &mut Report<'_>) {
    for (index, draft) in drafts.iter().enumerate() {
        let (before, row) = (&drafts[..index], &draft.row);
        let named = |other: &&PluginDraft| draft.has("name") && other.row.name == row.name;
        let served = |other: &&PluginDraft| {
            let known = other.has("kind") && draft.has("kind") && !row.library.is_empty();
            known && other.row.kind == row.kind && other.row.library == row.library
        };
        if let Some(other) = before.iter().find(named) {
            let line = other.row.line;
            let message = format!("the row of line {line} has this name; give each its own");
            draft.reports("name", message, report);
        } else if let Some(other) = before.iter().find(served) {
            let message = format!(
                "{} library {:?} is loaded by {} of line {}; one library is one row: remove one",
                row.kind, row.library, other.subject, other.row.line,
            );
            draft.reports("library", message, report);
        }
    }
}

/// Reads the secrets of enabled rows and makes all rows final.
pub(super) fn finish(
    drafts: Vec<PluginDraft>,
    base: &Path,
    report: &mut Report<'_>,
) -> Vec<PluginRow> {
    let finish = |draft: PluginDraft| {
        let settings = match draft.row.enabled {
            true => secret_file::resolve(draft.settings, base, &draft.subject, report),
            false => draft.settings.into_settings(),
        };
        PluginRow { settings, ..draft.row }
    };
    drafts.into_iter().map(finish).collect()
}
