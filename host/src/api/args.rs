//! The arguments of one call, by folded name, before their types are known.
//!
//! **Invariant:** no value holds a control character other than line feed and carriage return, and
//! every `name[i].field` is well formed. Parameters that no command knows are kept out of the way,
//! never refused.

use super::error::ApiError;
use super::form::Form;
use super::map::{Entries, MapName};
use std::collections::BTreeMap;
use std::fmt;

/// The arguments of a call.
#[derive(Default)]
pub struct Args {
    command: &'static str,
    texts: BTreeMap<String, String>,
    maps: BTreeMap<String, Entries>,
}

impl Args {
    /// Sorts the parameters of a request for a command.
    ///
    /// # Errors
    /// A control character in a value (431), or a malformed map (430).
    pub(super) fn of(command: &'static str, form: Form) -> Result<Self, ApiError> {
        let mut args = Self { command, ..Self::default() };
        for pair in form.into_pairs() {
            if pair.value.chars().any(is_illegal) {
                return Err(ApiError::parameter(format!(
                    "Received value for parameter {} is invalid, contains illegal ASCII \
                     non-printable characters",
                    pair.name
                )));
            }
            match MapName::parse(&pair.name)? {
                Some(MapName { name, index, field }) => {
                    let entries = args.maps.entry(name.to_owned()).or_default();
                    entries.entry(index).or_default().insert(field.to_owned(), pair.value);
                }
                None => {
                    args.texts.insert(pair.name, pair.value);
                }
            }
        }
        Ok(args)
    }

    /// The command that is called.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The text of a parameter, by its lower-case name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The entries of a map, by its lower-case name.
    pub(super) fn entries(&self, name: &str) -> Option<&Entries> {
        self.maps.get(name)
    }

    /// The names of all parameters, for the log.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().chain(self.maps.keys()).map(String::as_str)
    }
}

/// What CloudStack calls non-printable: control characters of ASCII, but for the ends of lines.
fn is_illegal(c: char) -> bool {
    c.is_ascii_control() && c != '\n' && c != '\r'
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: a value may be a secret.
        f.debug_struct("Args")
            .field("command", &self.command)
            .field("names", &self.names().collect::<Vec<_>>())
            .finish()
    }
}
