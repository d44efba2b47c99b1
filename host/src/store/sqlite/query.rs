//! A query whose conditions depend on what is asked.
//!
//! **Invariant:** a value is never part of the text, and the number of different texts is bounded:
//! each is prepared once.

use rusqlite::{Connection, Row, params_from_iter, types::Value};
use uuid::Uuid;

/// A text that grows, and its values.
pub(super) struct Query {
    text: String,
    values: Vec<Value>,
}

impl Query {
    /// A query that begins with this text, which has a condition already.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds some text.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
    }

    /// Asks that a column has a value, if there is one.
    pub(super) fn and(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(" AND ");
            self.push(column);
            self.push(" = ");
            self.bind(value);
        }
    }

    /// Asks that a column has a uuid, if there is one.
    pub(super) fn and_uuid(&mut self, column: &str, uuid: Option<Uuid>) {
        self.and(column, uuid.map(|uuid| uuid.to_string()));
    }

    /// Asks that a column has one of these words, if there are any.
    pub(super) fn and_one_of(&mut self, column: &str, words: &[&'static str]) {
        let Some(last) = words.last() else {
            return;
        };
        self.push(" AND ");
        self.push(column);
        self.push(" IN (");
        // Lists of a few lengths only, so that there are few texts.
        for number in 0..words.len().next_power_of_two() {
            if number != 0 {
                self.push(", ");
            }
            self.bind((*words.get(number).unwrap_or(last)).to_owned());
        }
        self.push(")");
    }

    /// Asks for so many rows at most; 0 for all.
    pub(super) fn limit(&mut self, rows: u32) {
        self.push(" LIMIT ");
        self.bind(if rows == 0 { i64::MAX } else { i64::from(rows) });
    }

    /// Its rows.
    pub(super) fn rows<T>(
        &self,
        connection: &Connection,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = connection.prepare_cached(&self.text)?;
        statement.query_map(params_from_iter(&self.values), map)?.collect()
    }

    /// How SQLite would go about it, a line a table.
    #[cfg(test)]
    pub(super) fn plan(&self, connection: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", self.text))?;
        statement.query_map(params_from_iter(&self.values), |row| row.get(3))?.collect()
    }
}
