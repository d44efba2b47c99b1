//! The text of the file, read as far as it can be.
//!
//! What it is not: the configuration. Rows are drafts here, to which the environment still adds.
//!
//! **Invariant:** a break of the syntax does not hide the problems of sound lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::host::{self, HostSection};
use super::keys::Section;
use super::plugin;
use super::report::Report;
use super::rows::{self, PluginDraft};
use super::storage::{self, StorageSection};

/// The tables of the file.
const SECTION: Section<()> = Section {
    keys: &[],
    nested: &["host", "storage", "plugin"],
    elsewhere: |name| {
        let host = host::SECTION.knows(name).then_some("[host]");
        let storage = || storage::SECTION.knows(name).then_some("[storage]");
        host.or_else(storage).or_else(|| plugin::SECTION.knows(name).then_some("[[plugin]]"))
    },
};

/// What the file says.
#[derive(Default)]
pub(super) struct Document {
    pub(super) host: HostSection,
    pub(super) storage: StorageSection,
    pub(super) plugins: Vec<PluginDraft>,
}

impl Document {
    /// Reads the text and reports all that is wrong with it.
    pub(super) fn read(text: &str, report: &mut Report<'_>) -> Self {
        let mut sound = text.to_owned();
        while let Some(sounder) = report_syntax(&sound, report) {
            sound = sounder;
        }
        let (root, _) = DeTable::parse_recoverable(&sound);
        let root = root.get_ref();
        SECTION.walk(root, &mut (), "", report);

        let mut document = Self::default();
        if let Some(value) = root.get("host") {
            read_section(&host::SECTION, "host", value, &mut document.host, report);
        }
        if let Some(value) = root.get("storage") {
            read_section(&storage::SECTION, "storage", value, &mut document.storage, report);
        }
        if let Some(value) = root.get("plugin") {
            document.plugins = rows::read_rows(value, report);
        }
        document
    }
}

/// Reads a table that is there once.
fn read_section<T>(
    section: &Section<T>,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    target: &mut T,
    report: &mut Report<'_>,
) {
    let start = value.span().start;
    match value.get_ref() {
        DeValue::Table(table) => {
            section.walk(table, target, &format!("[{name}]"), report);
        }
        DeValue::Array(_) => report.at(
            start,
            name,
            format!("there is one {name}; write [{name}], in one pair of brackets"),
        ),
        _ => report.at(start, name, format!("this is no table; write keys under [{name}]")),
    }
}

/// Reports the breaks of the syntax that the parser finds, and returns the text without the lines
/// they are on: the parser may have skipped what follows them. `None` ends the search, as there is
/// nothing new or a line cannot go without taking others with it.
fn report_syntax(text: &str, report: &mut Report<'_>) -> Option<String> {
    let (_, mut errors) = DeTable::parse_recoverable(text);
    errors.sort_by_key(|error| error.span().unwrap_or_default().start);
    let mut rest = text.to_owned();
    let mut separable = !errors.is_empty();
    for error in &errors {
        let span = error.span().unwrap_or_default();
        let range = report.line_range(span.start);
        let line = &text[range.clone()];
        let duplicate = error.message() == "duplicate key";
        if line.trim_start().starts_with('[') && !duplicate {
            report.break_header();
        }
        report.syntax(span.start, word(text.get(span).unwrap_or_default(), line, error.message()));

        // A bracket or a long string may begin or end on another line.
        let spans_lines = line.contains(['[', ']', '{', '}']);
        let spans_lines = spans_lines || ["\"\"\"", "'''"].iter().any(|mark| line.contains(mark));
        separable &= !spans_lines && !line.trim().is_empty();
        rest.replace_range(range.clone(), &" ".repeat(range.len()));
    }
    separable.then_some(rest)
}

/// Words a break of the syntax. The line itself stays out: it may hold a secret.
fn word(found: &str, line: &str, message: &str) -> String {
    match advice(line) {
        _ if message == "duplicate key" => format!("key {found:?} is given twice; remove one"),
        Some(advice) => advice.to_owned(),
        None => message.to_owned(),
    }
}

/// Recognises the usual slips, which the parser words by its grammar.
fn advice(line: &str) -> Option<&'static str> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let (key, value) = line.trim().split_at(line.trim().find(|c| !bare(c))?);
    let value = value.trim();
    let Some(value) = value.strip_prefix('=').map(str::trim) else {
        let colon = !key.is_empty() && value.starts_with(':');
        return colon.then_some("a colon sets no value; write key = value");
    };
    let quoted = value.contains(['"', '\'']);
    let list = value.starts_with(['[', '{']);
    match value {
        "" => Some("the value is missing; write one or remove the line"),
        _ if value.eq_ignore_ascii_case("true") => Some("write true in lower case"),
        _ if value.eq_ignore_ascii_case("false") => Some("write false in lower case"),
        _ if quoted || list => None,
        _ => Some("this value cannot be read; a string is written in quotes: key = \"value\""),
    }
}
