//! Answers for people: lists as aligned tables, objects as lines of name and value.
//!
//! A list that is wider than the terminal is written entry by entry, like objects.
//!
//! **Invariant:** no value disturbs the terminal: control characters are shown as spaces.

mod ordered;

pub(super) use ordered::Json;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// What is between two columns.
const GAP: usize = 2;

/// An aligned table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = T>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; what is missing at its end stays blank.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut cells: Vec<String> =
            cells.into_iter().map(|cell| printable(&cell.into())).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        let cells = |n: usize| self.rows.iter().filter_map(move |row| row.get(n));
        self.columns
            .iter()
            .enumerate()
            .map(|(n, column)| column.width().max(widest(cells(n))))
            .collect()
    }

    /// How wide it is written.
    pub fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
    }

    /// Writes it: the names of the columns in capitals, then the rows.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let widths = self.widths();
        let head: Vec<String> = self.columns.iter().map(|column| column.to_uppercase()).collect();
        for row in std::iter::once(&head).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', GAP + width.saturating_sub(cell.width())));
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Writes it entry by entry.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write_entries(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let widest = widest(&self.columns);
        for (n, row) in self.rows.iter().enumerate() {
            if n > 0 {
                writeln!(out)?;
            }
            for (column, cell) in self.columns.iter().zip(row) {
                if !cell.is_empty() {
                    write_line(column, cell, widest, out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes it as a table where it fits into `width`, else entry by entry.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write_within(&self, width: usize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        if self.width() <= width { self.write(out) } else { self.write_entries(out) }
    }
}

/// Writes these columns of the list that a command answered, however wide they are; `form` makes
/// the text of a cell from the name of its column and its value. Another answer is written as
/// [`write_answer`] does.
///
/// # Errors
/// Whatever `out` says; `InvalidData` for a text that is no answer.
pub fn write_columns(
    answer: &str,
    columns: &[&str],
    form: impl Fn(&str, &str) -> String,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let Some(rows) = rows_of(answer)? else {
        return write_answer(answer, usize::MAX, out);
    };
    let mut table = Table::new(columns.iter().copied());
    for row in rows {
        table.row(columns.iter().map(|column| match row.text(column) {
            Some(text) => form(column, &text),
            None => String::new(),
        }));
    }
    table.write(out)
}

/// The list that a command answered, if it answered one.
pub(super) fn rows_of(answer: &str) -> io::Result<Option<Vec<Json>>> {
    let Some(Json::Object(entries)) = body_of(answer)? else {
        return Ok(None);
    };
    let is_list =
        entries.iter().all(|(key, value)| key == "count" || matches!(value, Json::Array(_)));
    let rows = entries.into_iter().find_map(|(_, value)| match value {
        Json::Array(rows) => Some(rows),
        _ => None,
    });
    Ok(rows.filter(|_| is_list))
}

/// Writes the answer of a command for people.
///
/// # Errors
/// Whatever `out` says; `InvalidData` for a text that is no answer.
pub fn write_answer(answer: &str, width: usize, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    match body_of(answer)? {
        Some(Json::Object(entries)) => write_body(entries, width, out),
        Some(other) => writeln!(out, "{}", printable(&other.to_string())),
        None => writeln!(out, "(nothing)"),
    }
}

/// What is under the wrapper of an answer.
fn body_of(answer: &str) -> io::Result<Option<Json>> {
    Ok(match serde_json::from_str(answer)? {
        Json::Object(entries) => entries.into_iter().next().map(|(_, body)| body),
        other => Some(other),
    })
}

fn write_body(
    mut entries: Vec<(String, Json)>,
    width: usize,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if let Some(at) = entries.iter().position(|(_, value)| matches!(value, Json::Array(_)))
        && entries.iter().all(|(key, value)| key == "count" || matches!(value, Json::Array(_)))
        && let (_, Json::Array(rows)) = entries.swap_remove(at)
    {
        return table_of(keys_of(&rows), rows).write_within(width, out);
    }
    match entries.as_slice() {
        [] => writeln!(out, "(nothing)"),
        [(count, total)] if count == "count" => writeln!(out, "(nothing here, of {total})"),
        [(_, Json::Object(fields))] => write_object(fields, out),
        fields => write_object(fields, out),
    }
}

/// Writes fields, a line each.
pub(super) fn write_object(
    fields: &[(String, Json)],
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let widest = widest(fields.iter().map(|(key, _)| key));
    for (key, value) in fields {
        write_line(key, &printable(&value.to_string()), widest, out)?;
    }
    Ok(())
}

fn write_line(
    key: &str,
    value: &str,
    widest: usize,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let pad = " ".repeat(GAP + widest.saturating_sub(key.width()));
    writeln!(out, "{}", format!("{key}{pad}{value}").trim_end())
}

fn widest<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().map(|text| text.width()).max().unwrap_or_default()
}

/// The keys of rows, which need not be the same, in the order of their first appearance.
fn keys_of(rows: &[Json]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for row in rows {
        let Json::Object(fields) = row else { continue };
        for (key, _) in fields {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

fn table_of(columns: Vec<String>, rows: Vec<Json>) -> Table {
    let mut table = Table { columns, rows: Vec::new() };
    for row in rows {
        let Json::Object(fields) = row else { continue };
        let cells: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let value = fields.iter().find(|(key, _)| key == column);
                value.map(|(_, value)| value.to_string()).unwrap_or_default()
            })
            .collect();
        table.row(cells);
    }
    table
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{write_answer, write_columns};
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(answer: &str, width: usize, expected: Expect) {
        let mut out = Vec::new();
        write_answer(answer, width, &mut out).unwrap();
        expected.assert_eq(&String::from_utf8(out).unwrap());
    }

    const LIST: &str = r#"{"listxresponse":{"count":2,"x":[
        {"name":"é","size":7,"tags":["a","b"]},
        {"name":"longer","up":true,"details":{"k":"v","n":1.5}}]}}"#;

    #[test]
    fn list_is_an_aligned_table_in_the_order_of_the_host() {
        check(
            LIST,
            80,
            expect![[r#"
                NAME    SIZE  TAGS  UP    DETAILS
                é       7     a,b
                longer              true  k=v n=1.5
            "#]],
        );
    }

    #[test]
    fn wide_list_is_written_entry_by_entry() {
        check(
            LIST,
            20,
            expect![[r#"
                name     é
                size     7
                tags     a,b

                name     longer
                up       true
                details  k=v n=1.5
            "#]],
        );
    }

    #[test]
    fn columns_of_a_list_can_be_chosen() {
        let mut out = Vec::new();
        let form = |column: &str, text: &str| format!("{text}{}", &column[..1]);
        write_columns(LIST, &["up", "name", "none"], form, &mut out).unwrap();
        expect![[r#"
            UP     NAME     NONE
                   én
            trueu  longern
        "#]]
        .assert_eq(&String::from_utf8(out).unwrap());
    }

    #[test]
    fn other_answers_are_lines() {
        check(
            r#"{"xresponse":{"x":{"id":"1","name":"a"}}}"#,
            80,
            expect![[r#"
            id    1
            name  a
        "#]],
        );
        check(
            r#"{"xresponse":{"success":true}}"#,
            80,
            expect![[r#"
            success  true
        "#]],
        );
        check(
            r#"{"xresponse":{}}"#,
            80,
            expect![[r#"
            (nothing)
        "#]],
        );
        check(
            r#"{"xresponse":{"count":7}}"#,
            80,
            expect![[r#"
            (nothing here, of 7)
        "#]],
        );
    }

    #[test]
    fn values_cannot_disturb_the_terminal() {
        check(
            r#"{"xresponse":{"x":{"name":"\u001b[2Ja\nb\tc\u009b"}}}"#,
            80,
            expect![[r#"
                name   [2Ja b c
            "#]],
        );
    }

    #[test]
    fn text_that_is_no_answer_is_an_error() {
        assert!(write_answer("<html>", 80, &mut Vec::new()).is_err());
    }
}
