//! Answers of verbs for people.

use super::table::Verb;
use crate::api::{Command, FieldKind};
use crate::cli::table::{self, Json, Table};
use indicatif::BinaryBytes;
use serde_json::Value;
use std::io::{self, Write};

/// The width that people's terminals have at least, mostly.
const WIDTH: usize = 120;

/// What is under the wrapper of an answer, as the host wrote it.
pub(super) fn inside(answer: &str) -> &str {
    // A wrapper is a word of the host, without a colon.
    let body = answer.split_once(':').map_or(answer, |(_, body)| body);
    body.trim_end().strip_suffix('}').unwrap_or(body)
}

/// The job that an answer announces.
pub(super) fn job_of(answer: &str) -> Option<String> {
    let body: Value = serde_json::from_str(inside(answer)).ok()?;
    body["jobid"].as_str().map(str::to_owned)
}

/// Writes an answer for people.
pub(super) fn people(
    verb: &Verb,
    command: &Command,
    answer: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    match (verb.command, verb.word) {
        ("listHealthFindings", _) => findings(answer, out),
        ("listOperations", "show") => operation(answer, out),
        (name, _) if command.is_async && is_job_alone(answer) => {
            debug_assert_eq!(name, command.name);
            writeln!(out, "{}", job_of(answer).unwrap_or_default())
        }
        _ if verb.columns.is_empty() => table::write_answer(answer, WIDTH, out),
        _ => {
            let form = |column: &str, text: &str| cell(command, column, text);
            table::write_columns(answer, verb.columns, form, out)
        }
    }
}

/// Whether an answer is a job that nobody waited for.
fn is_job_alone(answer: &str) -> bool {
    let body: Option<Value> = serde_json::from_str(inside(answer)).ok();
    body.as_ref()
        .and_then(Value::as_object)
        .is_some_and(|body| body.contains_key("jobid") && !body.contains_key("jobstatus"))
}

/// A cell: numbers of bytes get their unit, moments lose what they all have.
fn cell(command: &Command, column: &str, text: &str) -> String {
    let kind = command.response.iter().find(|field| field.name == column).map(|field| field.kind);
    let counts_bytes = kind == Some(FieldKind::Long)
        && (column.contains("size") || column.ends_with("bytes"))
        && column != "disksize";
    match text.parse::<u64>() {
        Ok(bytes) if counts_bytes => BinaryBytes(bytes).to_string(),
        _ => text.strip_suffix("+0000").unwrap_or(text).to_owned(),
    }
}

fn rows(answer: &str) -> io::Result<Vec<Json>> {
    Ok(table::rows_of(answer)?.unwrap_or_default())
}

/// What is wrong: a paragraph each.
fn findings(answer: &str, out: &mut dyn Write) -> io::Result<()> {
    for row in rows(answer)? {
        let since = row.text("since").map(|since| format!(" (since {since})")).unwrap_or_default();
        let word = |key| row.text(key).unwrap_or_default();
        writeln!(out, "{:<5}  {}{since}: {}", word("severity"), word("thing"), word("what"))?;
        if let Some(way_out) = row.text("wayout") {
            writeln!(out, "       what to do: {way_out}")?;
        }
    }
    Ok(())
}

/// An operation: its fields, then its steps.
fn operation(answer: &str, out: &mut dyn Write) -> io::Result<()> {
    let found = rows(answer)?;
    let Some(operation) = found.first() else {
        return writeln!(out, "(there is no such operation)");
    };
    let Json::Object(fields) = operation else {
        return table::write_answer(answer, WIDTH, out);
    };
    let (steps, fields): (Vec<_>, Vec<_>) =
        fields.iter().cloned().partition(|(key, _)| key == "journal");
    table::write_object(&fields, out)?;
    let mut journal = Table::new(["step", "moment", "at", "tookms", "attempt", "failure"]);
    for (_, entries) in steps {
        let Json::Array(entries) = entries else { continue };
        for entry in entries {
            let word = |key| entry.text(key).unwrap_or_default();
            journal.row(["step", "moment", "at", "tookms", "attempt", "failure"].map(word));
        }
    }
    writeln!(out)?;
    journal.write(out)
}
