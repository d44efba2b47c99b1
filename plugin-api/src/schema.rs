//! Settings and details: JSON Schemas that a provider declares, typed values it reads.
//!
//! The seed of all forms: console dialog, command line, validation and reference page come from
//! the one schema that the provider publishes.

use crate::error::{PluginError, PluginResult};
use crate::types::Details;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A JSON Schema (draft 2020-12) of an object whose properties are input fields.
///
/// Besides the standard words (`title`, `description`, `default`, `examples`, `enum`, `minimum`,
/// `pattern`, `required`, `if`/`then`) forms understand `"writeOnly": true` for a secret, which is
/// encrypted at rest and never sent back, and `"x-order": n` for the order of fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputSchema(Value);

impl InputSchema {
    /// The schema of a type that derives [`JsonSchema`].
    pub fn of<T: JsonSchema>() -> Self {
        Self(schemars::schema_for!(T).to_value())
    }

    /// A schema with no fields; unknown ones are refused.
    pub fn empty() -> Self {
        Self(serde_json::json!({"type": "object", "properties": {}, "additionalProperties": false}))
    }

    /// A schema written as JSON.
    pub const fn from_value(schema: Value) -> Self {
        Self(schema)
    }

    /// The schema as JSON.
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// The names of the fields that are secrets.
    pub fn secret_fields(&self) -> Vec<&str> {
        self.0
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(_, field)| field.get("writeOnly").and_then(Value::as_bool) == Some(true))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// The `settings` of a plugin's row in `plugins.toml`: provider-wide, already checked against
/// [`get_settings_schema`](crate::DataStoreProvider::get_settings_schema).
///
/// `Debug` shows the keys only, because a value may be a secret.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings given as a JSON object.
    pub const fn from_map(values: Map<String, Value>) -> Self {
        Self(values)
    }

    /// A value as it was written.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All of them.
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Reads them into a type of the vendor's.
    ///
    /// # Errors
    /// `InvalidConfig` naming the field.
    pub fn parse<T: DeserializeOwned>(&self) -> PluginResult<T> {
        read("settings", self.0.clone())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Details {
    /// Reads details, which are text by key, into a type of the vendor's: numbers and booleans
    /// are read from their text.
    ///
    /// # Errors
    /// `InvalidConfig` naming the field.
    pub fn parse<T: DeserializeOwned + JsonSchema + 'static>(&self) -> PluginResult<T> {
        let schema = schema_of::<T>();
        let values =
            self.iter().map(|(key, text)| (key.clone(), typed(&schema, key, text))).collect();
        read("details", values)
    }
}

/// The schema of a type, made once: details are read on every call.
fn schema_of<T: JsonSchema + 'static>() -> Arc<InputSchema> {
    static KNOWN: Mutex<BTreeMap<TypeId, Arc<InputSchema>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(InputSchema::of::<T>())))
}

/// Reads values into a type of the vendor's; an error names the field.
fn read<T: DeserializeOwned>(what: &str, values: Map<String, Value>) -> PluginResult<T> {
    let parse = |values: Map<String, Value>| serde_json::from_value::<T>(Value::Object(values));
    parse(values.clone()).map_err(|error| {
        // serde names a field only where it is missing or unknown. A field with a wrong value is the
        // one without which the complaint is another.
        let text = error.to_string();
        let is_wrong = |key: &&String| {
            let mut others = values.clone();
            others.remove(*key);
            parse(others).err().is_none_or(|other| other.to_string() != text)
        };
        PluginError::invalid_config(match values.keys().find(is_wrong) {
            Some(key) if !text.contains(key.as_str()) => format!("{what}: {key}: {text}"),
            _ => format!("{what}: {text}"),
        })
    })
}

/// A text as the value that the schema wants: `"8"` where it says integer becomes 8.
fn typed(schema: &InputSchema, key: &str, text: &str) -> Value {
    let wants = |word: &str| match schema.0.pointer(&format!("/properties/{key}/type")) {
        Some(Value::String(one)) => one == word,
        Some(Value::Array(several)) => several.iter().any(|one| one == word),
        _ => false,
    };
    if (wants("integer") || wants("number") || wants("boolean"))
        && let Ok(value @ (Value::Number(_) | Value::Bool(_))) = serde_json::from_str(text)
    {
        return value;
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        server: String,
        port: Option<u16>,
        tls: Option<bool>,
    }

    #[test]
    fn details_are_read_from_their_text() {
        let details: Details = [("server", "8"), ("port", "8")].into_iter().collect();
        let fields: Fields = details.parse().unwrap();
        let read = (fields.server.as_str(), fields.port, fields.tls);
        assert_eq!(read, ("8", Some(8), None));
    }

    #[test]
    fn an_error_names_the_field() {
        let check = |pairs: &[(&str, &str)], field| {
            let details: Details = pairs.iter().copied().collect();
            let error = details.parse::<Fields>().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        };
        check(&[("port", "8")], "server");
        check(&[("server", "a"), ("port", "many")], "port");
        check(&[("server", "a"), ("port", "70000")], "port");
        check(&[("port", "8"), ("server", "a"), ("tls", "maybe")], "tls");
        check(&[("server", "a"), ("prot", "8")], "prot");
    }
}
