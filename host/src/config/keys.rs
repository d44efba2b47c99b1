//! Tables of keys, and the walk that reads a TOML table by them.
//!
//! What it is not: it knows no key. Each section keeps its own table of [`Key`] lines.
//!
//! **Invariant:** a key that is in no table is refused with the nearest known one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use toml::de::DeTable;

use super::report::Report;
use super::suggest;
use super::values::{Raw, Refusal};

/// One key of a section: its name, how it is read and how it is shown.
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    pub(super) set: fn(&mut T, Raw<'_>) -> Result<(), Refusal>,
    pub(super) show: fn(&T) -> Value,
}

/// Makes a [`Key`] of the field of the same name and a reader of `values.rs`.
macro_rules! key {
    ($field:ident: $read:expr) => {
        $crate::config::keys::Key {
            name: stringify!($field),
            set: |section, raw| {
                section.$field = $read(raw)?.into();
                Ok(())
            },
            show: |section| $crate::config::show::Show::show(&section.$field),
        }
    };
}
pub(super) use key;

/// What a table may hold.
pub(super) struct Section<T: 'static> {
    /// Keys of single values.
    pub(super) keys: &'static [Key<T>],
    /// Keys of tables that are walked on their own.
    pub(super) nested: &'static [&'static str],
    /// Says where a key belongs that is at home elsewhere.
    pub(super) elsewhere: fn(&str) -> Option<&'static str>,
}

/// Where each key stands whose value was taken, as a byte offset of the value.
pub(super) type Places = BTreeMap<&'static str, usize>;

impl<T> Section<T> {
    /// Reads the single values of `table` into `target` and reports what cannot be taken.
    pub(super) fn walk(
        &self,
        table: &DeTable<'_>,
        target: &mut T,
        subject: &str,
        report: &mut Report<'_>,
    ) -> Places {
        let mut places = Places::new();
        for (name, value) in table {
            if let Some(key) = self.keys.iter().find(|key| key.name == name.get_ref()) {
                match (key.set)(target, Raw::Toml(value.get_ref())) {
                    Ok(()) => {
                        places.insert(key.name, value.span().start);
                    }
                    Err(refusal) => {
                        let subject = subject_of(subject, key.name);
                        report.at(value.span().start, &subject, refusal);
                    }
                }
            } else if !self.nested.contains(&name.get_ref().as_ref()) {
                report.at(name.span().start, subject, self.unknown(name.get_ref()));
            }
        }
        places
    }

    /// Tells whether the table may hold the key.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Returns every value of `target` under its key.
    pub(super) fn show(&self, target: &T) -> Map<String, Value> {
        self.keys.iter().map(|key| (key.name.to_owned(), (key.show)(target))).collect()
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name).chain(self.nested.iter().copied())
    }

    /// Says what to do about a key that is in no table.
    fn unknown(&self, name: &str) -> String {
        let way_out = if let Some(home) = (self.elsewhere)(name) {
            format!("it belongs under {home}")
        } else if let Some(nearest) = suggest::nearest(name, self.names()) {
            format!("did you mean \"{nearest}\"?")
        } else {
            let mut way_out = format!("known are {}", self.names().collect::<Vec<_>>().join(", "));
            if self.nested.contains(&"settings") {
                way_out.push_str("; what the provider itself reads goes under settings");
            }
            way_out
        };
        format!("unknown key {name:?}; {way_out}")
    }
}

/// Names a key of something for a message.
pub(super) fn subject_of(section: &str, key: &str) -> String {
    match section {
        "" => key.to_owned(),
        "[host]" | "[storage]" => format!("{section} {key}"),
        _ => format!("{section}: {key}"),
    }
}
