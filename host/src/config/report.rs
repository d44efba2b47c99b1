//! Collects the problems of one reading and knows where each stands.
//!
//! What it is not: a log. Nothing is printed here.
//!
//! **Invariant:** one mistake is one problem. Where the syntax is broken, what only follows from
//! the break (a half-read value, a key that seems missing) is left out.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::problem::{ConfigError, Place, Problem};

/// The problems found so far in one text.
pub(super) struct Report<'a> {
    origin: &'a Path,
    text: &'a str,
    line_starts: Vec<usize>,
    broken_lines: BTreeSet<usize>,
    broken_header: bool,
    problems: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// Starts an empty report on `text`.
    pub(super) fn new(origin: &'a Path, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self {
            origin,
            text,
            line_starts,
            broken_lines: BTreeSet::new(),
            broken_header: false,
            problems: Vec::new(),
        }
    }

    /// Reports a break of the syntax at a byte offset: the first one of a line.
    pub(super) fn syntax(&mut self, offset: usize, message: String) {
        let (line, _) = self.position(offset);
        if self.broken_lines.insert(line) {
            self.push(self.place(offset), String::new(), message);
        }
    }

    /// Notes that a table's header is broken: its keys were read into another table.
    pub(super) fn break_header(&mut self) {
        self.broken_header = true;
    }

    /// Reports what is wrong with something that was read at a byte offset.
    pub(super) fn at(&mut self, offset: usize, subject: &str, message: impl fmt::Display) {
        let (line, _) = self.position(offset);
        if !self.broken_header && !self.broken_lines.contains(&line) {
            self.push(self.place(offset), subject.to_owned(), message.to_string());
        }
    }

    /// Reports what was not found; it may be on a line that could not be read.
    pub(super) fn missing(&mut self, offset: usize, subject: &str, message: impl fmt::Display) {
        if self.is_whole() {
            self.at(offset, subject, message);
        }
    }

    /// Reports what is wrong with a variable of the environment.
    pub(super) fn variable(&mut self, name: &str, subject: &str, message: impl fmt::Display) {
        let place = Place::Variable { name: name.to_owned() };
        self.push(place, subject.to_owned(), message.to_string());
    }

    /// Reports a problem whose place was kept.
    pub(super) fn push(&mut self, place: Place, subject: String, message: String) {
        self.problems.push(Problem { place, subject, message });
    }

    /// Tells whether the syntax of the text is sound.
    pub(super) fn is_whole(&self) -> bool {
        self.broken_lines.is_empty()
    }

    /// Returns the place of a byte offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let (line, column) = self.position(offset);
        Place::Position { path: self.origin.to_path_buf(), line, column }
    }

    /// Returns line and column of a byte offset, both from 1, the column in characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// Returns where the line that holds a byte offset begins and ends, its break excluded.
    pub(super) fn line_range(&self, offset: usize) -> Range<usize> {
        let (line, _) = self.position(offset);
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        start..end
    }

    /// Ends the report: an error if there is a problem.
    pub(super) fn into_result(self) -> Result<(), ConfigError> {
        ConfigError::of(self.problems).map_or(Ok(()), Err)
    }
}
