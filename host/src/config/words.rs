//! Types whose values are fixed words of the file, such as `"in-process"`.
//!
//! What it is not: a reader of keys; see `values.rs`.
//!
//! **Invariant:** a word and its value are written down once, in [`Word::WORDS`], from which
//! parsing, display and messages come.

use std::error::Error;
use std::fmt;

use log::Level;

/// Longest quotation of a refused value, in characters.
const MAX_QUOTE: usize = 60;

/// A type whose values are written as fixed words.
pub(super) trait Word: Copy + PartialEq + 'static {
    /// Each word and what it means, in the order messages list them.
    const WORDS: &'static [(&'static str, Self)];
}

/// A word that is none of the words that a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    word: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = alternatives(self.known.iter().copied());
        write!(f, "{} is not known; write {known}", quote(&self.word))
    }
}

impl Error for UnknownWord {}

impl Word for Level {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// Finds the value that a word stands for.
pub(super) fn parse_word<T: Word>(text: &str) -> Result<T, UnknownWord> {
    let found = T::WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| UnknownWord {
        word: text.to_owned(),
        known: T::WORDS.iter().map(|(word, _)| *word).collect(),
    })
}

/// Finds the word of a value.
pub(super) fn word_of<T: Word>(value: T) -> &'static str {
    T::WORDS.iter().find(|(_, known)| *known == value).map_or("unknown", |(word, _)| word)
}

/// Quotes a text as TOML would, shortened.
pub(super) fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_QUOTE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Joins words as `"a", "b" or "c"`.
pub(super) fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(quote).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
