//! Settings and details against the schema that the provider declares.

use super::refusal::{Refusal, RefusalCode};
use serde_json::Value;
use storage_plugin_api::{InputSchema, Settings};

/// How many faults of one object are told; more would not be read.
const FAULTS: usize = 5;

/// Checks that a schema is one, and that it speaks of an object.
///
/// # Errors
/// Why it is none.
pub fn check_schema(schema: &InputSchema) -> Result<jsonschema::Validator, String> {
    let value = schema.as_value();
    if value.get("type").and_then(Value::as_str) != Some("object") {
        return Err("its type is not \"object\"".to_owned());
    }
    jsonschema::validator_for(value).map_err(|error| error.to_string())
}

/// The faults of a value, each with its place; empty if there are none. Values are not shown:
/// they may be secrets.
pub fn faults(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .take(FAULTS)
        .map(|error| {
            let place = error.instance_path().to_string();
            let what = error.masked().to_string();
            match place.trim_start_matches('/') {
                "" => what,
                place => format!("{place}: {what}"),
            }
        })
        .collect()
}

/// Checks the settings of a row against the provider's schema.
///
/// # Errors
/// `InvalidSchema` or `InvalidSettings`.
pub fn check_settings(
    provider_name: &str,
    schema: &InputSchema,
    settings: &Settings,
) -> Result<(), Refusal> {
    let validator = check_schema(schema).map_err(|why| {
        Refusal::new(
            RefusalCode::InvalidSchema,
            format!("cannot configure provider {provider_name:?}"),
            format!("its settings schema is no JSON Schema of an object: {why}"),
            "tell the plugin's vendor; a conformance run at level 2 shows the same",
        )
    })?;
    let faults = faults(&validator, &Value::Object(settings.as_map().clone()));
    if faults.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::InvalidSettings,
        format!("cannot configure provider {provider_name:?}"),
        format!("its settings are wrong: {}", faults.join("; ")),
        format!("mend its settings in plugins.toml; {}", known_fields(schema)),
    ))
}

/// The fields that a schema knows, as a part of a sentence.
pub fn known_fields(schema: &InputSchema) -> String {
    let names: Vec<&str> = schema
        .as_value()
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return "it takes no settings".to_owned();
    }
    format!("it takes {}", names.join(", "))
}
