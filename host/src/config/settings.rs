//! The settings of a provider: what the row hands on, unread.
//!
//! What it is not: a check. The provider's own schema decides later which keys and values are
//! good.
//!
//! **Invariant:** values are secrets until proven otherwise: no message, `Debug` output or JSON
//! form of this crate shows one.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::keys::subject_of;
use super::problem::Place;
use super::report::Report;

/// The settings of one provider.
#[derive(Clone, Default, PartialEq)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Returns the keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Tells whether there is no setting.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns keys and values, secrets among them.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Gives keys and values away, secrets among them.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Returns the keys, each with `"(set)"` for a value.
    pub fn masked(&self) -> Value {
        self.keys().map(|key| (key.to_owned(), Value::from("(set)"))).collect()
    }
}

impl FromIterator<(String, Value)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(settings: I) -> Self {
        Self(settings.into_iter().collect())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Settings while they are read: each value with the place it came from.
#[derive(Default)]
pub(super) struct SettingsDraft(pub(super) BTreeMap<String, Setting>);

/// One setting and its place.
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) place: Place,
}

impl SettingsDraft {
    /// Ends the reading.
    pub(super) fn into_settings(self) -> Settings {
        Settings(self.0.into_iter().map(|(key, setting)| (key, setting.value)).collect())
    }
}

/// Reads the `settings` table of a row.
pub(super) fn read(
    value: Option<&Spanned<DeValue<'_>>>,
    subject: &str,
    report: &mut Report<'_>,
) -> SettingsDraft {
    let mut draft = SettingsDraft::default();
    let Some(value) = value else { return draft };
    let DeValue::Table(table) = value.get_ref() else {
        let message = "this is no table; write keys under [plugin.settings]";
        report.at(value.span().start, &subject_of(subject, "settings"), message);
        return draft;
    };
    for (key, value) in table {
        let path = format!("settings.{}", key.get_ref());
        if let Some(json) = convert(value, &subject_of(subject, &path), report) {
            let place = report.place(key.span().start);
            draft.0.insert(key.get_ref().to_string(), Setting { value: json, place });
        }
    }
    draft
}

/// Makes JSON of a TOML value; `subject` names it in messages.
fn convert(value: &Spanned<DeValue<'_>>, subject: &str, report: &mut Report<'_>) -> Option<Value> {
    let converted = match value.get_ref() {
        DeValue::String(text) => Ok(Value::from(text.as_ref())),
        DeValue::Boolean(truth) => Ok(Value::from(*truth)),
        DeValue::Integer(number) => {
            integer(number).map(Value::Number).ok_or("this number needs more than 64 bits")
        }
        DeValue::Float(number) => {
            let float = number.as_str().parse().ok();
            let number = float.and_then(Number::from_f64).map(Value::Number);
            number.ok_or("a provider takes finite numbers only")
        }
        DeValue::Datetime(_) => Err("settings have no dates and times"),
        DeValue::Array(items) => {
            let items = items.iter().enumerate();
            let items: Vec<_> = items
                .map(|(index, item)| convert(item, &format!("{subject}[{index}]"), report))
                .collect();
            return items.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array);
        }
        DeValue::Table(table) => {
            let entries: Vec<_> = table
                .iter()
                .map(|(key, item)| {
                    let item = convert(item, &format!("{subject}.{}", key.get_ref()), report)?;
                    Some((key.get_ref().to_string(), item))
                })
                .collect();
            return entries.into_iter().collect::<Option<Map<_, _>>>().map(Value::Object);
        }
    };
    converted
        .map_err(|reason| {
            let message = format_args!("{reason}; write it as a string, in quotes");
            report.at(value.span().start, subject, message);
        })
        .ok()
}

/// Reads an integer of the range that JSON numbers of the host have.
fn integer(number: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (number.as_str(), number.radix());
    i64::from_str_radix(digits, radix)
        .map(Number::from)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Number::from))
        .ok()
}
