//! Details of a store against the schema that its provider declares, before anything begins.
//!
//! What it is not: what a life cycle checks against the real back end. A provider that is reached
//! without a report (in tests) is asked for its schema itself.

use super::manager::DataStoreProviderManager;
use crate::loader::settings::{check_schema, faults, known_fields};
use serde_json::{Map, Value};
use storage_plugin_api::{DataStoreProviderType, Details, InputSchema};

impl DataStoreProviderManager {
    /// Checks details against the input fields of a provider's type. A provider that declares
    /// none for the type takes what comes.
    ///
    /// # Errors
    /// In words: each field that is wrong, and which fields there are. Never a value.
    pub fn check_details(
        &self,
        provider_name: &str,
        provider_type: DataStoreProviderType,
        details: &Details,
    ) -> Result<(), String> {
        let declared = self
            .report_of_provider(provider_name)
            .and_then(|report| report.provider)
            .into_iter()
            .flat_map(|provider| provider.input_schemas)
            .find(|(of, _)| *of == provider_type);
        let Some((_, schema)) = declared else {
            return Ok(());
        };
        let validator = check_schema(&schema).map_err(|why| {
            format!(
                "the schema of provider {provider_name:?} is no JSON Schema of an object: {why}"
            )
        })?;
        let faults = faults(&validator, &typed(&schema, details));
        if faults.is_empty() {
            return Ok(());
        }
        Err(format!(
            "the details do not fit provider {provider_name:?}: {}; {}",
            faults.join("; "),
            known_fields(&schema)
        ))
    }
}

/// Details are text by key; where the schema wants a number or a truth value, the text is one.
fn typed(schema: &InputSchema, details: &Details) -> Value {
    let values: Map<String, Value> = details
        .iter()
        .map(|(key, text)| {
            let kinds = schema.as_value().get("properties").and_then(|fields| {
                let kinds = fields.get(key)?.get("type")?;
                Some(match kinds {
                    Value::Array(several) => several.clone(),
                    one => vec![one.clone()],
                })
            });
            let is_text = kinds.iter().flatten().all(|kind| {
                !["integer", "number", "boolean"].iter().any(|other| kind.as_str() == Some(other))
            });
            let value = match serde_json::from_str(text) {
                Ok(value @ (Value::Number(_) | Value::Bool(_))) if !is_text => value,
                _ => Value::String(text.clone()),
            };
            (key.clone(), value)
        })
        .collect();
    Value::Object(values)
}
