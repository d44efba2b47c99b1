//! Level 2: the schemas that forms, command line and validation are made from.
//!
//! Looked at by their structure; that they are well-formed JSON Schema in every word is checked by
//! the host, which has a validator.

use super::super::failure::{Checked, Doing, Failure, ensure};
use super::super::stage::Stage;
use crate::InputSchema;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Names that are secrets, whatever stands before or behind them.
const SECRET_PARTS: [&str; 4] = ["password", "passphrase", "secret", "token"];

/// Every schema of a provider, with what it is of.
fn schemas(stage: &Stage) -> Vec<(String, InputSchema)> {
    let mut all = vec![("the settings".to_owned(), stage.provider.get_settings_schema())];
    for one in stage.provider.get_types() {
        let schema = stage.provider.get_input_schema(one);
        all.push((format!("the details of a {one} store"), schema));
    }
    all
}

/// The fields of a schema.
fn fields(schema: &InputSchema) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.as_value().get("properties");
    properties.and_then(Value::as_object).into_iter().flatten()
}

/// What a field says of itself, or what it refers to says.
pub(super) fn lookup<'a>(
    schema: &'a InputSchema,
    field: &'a Value,
    key: &str,
) -> Option<&'a Value> {
    let referred = || {
        let pointer = field.get("$ref")?.as_str()?.strip_prefix('#')?;
        schema.as_value().pointer(pointer)?.get(key)
    };
    field.get(key).or_else(referred)
}

pub(in super::super) async fn schemas_are_valid(stage: Arc<Stage>) -> Checked {
    for (what, schema) in schemas(&stage) {
        check_schema(&schema).doing(format_args!("the schema of {what}"))?;
    }
    Ok(())
}

fn check_schema(schema: &InputSchema) -> Checked {
    let root = schema.as_value();
    ensure(root.get("type").and_then(Value::as_str) == Some("object"), || {
        format!("expected \"type\": \"object\", got {:?}", root.get("type"))
    })?;
    let empty = Map::new();
    let properties = match root.get("properties") {
        None => &empty,
        Some(Value::Object(properties)) => properties,
        Some(other) => {
            return Err(Failure::new(format!("\"properties\": expected an object, got {other}")));
        }
    };
    let required = match root.get("required") {
        None => Vec::new(),
        Some(Value::Array(fields)) => fields.iter().collect(),
        Some(other) => {
            return Err(Failure::new(format!("\"required\": expected a list, got {other}")));
        }
    };
    for field in required {
        ensure(field.as_str().is_some_and(|name| properties.contains_key(name)), || {
            format!("the required field {field}: expected it among the properties, got none")
        })?;
    }
    for (name, field) in properties {
        check_field(schema, field).doing(format_args!("field {name:?}"))?;
    }
    Ok(())
}

fn check_field(schema: &InputSchema, field: &Value) -> Checked {
    ensure(field.is_object(), || format!("expected an object, got {field}"))?;
    if let Some(reference) = field.get("$ref").and_then(Value::as_str) {
        let known = reference.strip_prefix('#').and_then(|one| schema.as_value().pointer(one));
        ensure(known.is_some(), || {
            format!("\"$ref\": expected a place in this schema, got {reference:?}")
        })?;
    }
    for key in ["minimum", "maximum", "minLength", "maxLength"] {
        let number = lookup(schema, field, key);
        ensure(number.is_none_or(Value::is_number), || {
            format!("{key:?}: expected a number, got {number:?}")
        })?;
    }
    let words = lookup(schema, field, "enum");
    ensure(words.is_none_or(|one| one.as_array().is_some_and(|list| !list.is_empty())), || {
        format!("\"enum\": expected a list with something in it, got {words:?}")
    })?;
    if let (Some(default), Some(Value::Array(words))) = (field.get("default"), words) {
        ensure(default.is_null() || words.contains(default), || {
            format!("\"default\": expected one of {words:?}, got {default}")
        })?;
    }
    Ok(())
}

pub(in super::super) async fn fields_are_described(stage: Arc<Stage>) -> Checked {
    for (what, schema) in schemas(&stage) {
        for (name, field) in fields(&schema) {
            for key in ["title", "description"] {
                let text = lookup(&schema, field, key).and_then(Value::as_str);
                ensure(text.is_some_and(|text| !text.trim().is_empty()), || {
                    format!("{what}, field {name:?}: expected a {key}, got {text:?}")
                })?;
            }
        }
    }
    Ok(())
}

pub(in super::super) async fn secrets_are_marked(stage: Arc<Stage>) -> Checked {
    for (what, schema) in schemas(&stage) {
        let marked = schema.secret_fields();
        for (name, field) in fields(&schema) {
            let is_text = lookup(&schema, field, "type").is_none_or(is_text);
            let looks_secret = is_text && is_named_like_a_secret(name);
            ensure(!looks_secret || marked.contains(&name.as_str()), || {
                format!("{what}, field {name:?}: expected \"writeOnly\": true, got none")
            })?;
        }
    }
    Ok(())
}

/// A type of text; an optional field has a list of types.
fn is_text(of: &Value) -> bool {
    match of {
        Value::Array(several) => several.iter().any(|one| one == "string"),
        one => one == "string",
    }
}

fn is_named_like_a_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '-'], "");
    // An access key is a name, not a secret.
    let is_key =
        name.ends_with("key") && !name.ends_with("accesskey") && !name.ends_with("publickey");
    is_key || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: Value) -> Result<(), String> {
        check_schema(&InputSchema::from_value(schema)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_empty_schema_is_valid() {
        assert_eq!(check_schema(&InputSchema::empty()), Ok(()));
    }

    #[test]
    fn contradictions_are_found() {
        assert!(check(json!({"type": "string"})).unwrap_err().contains("object"));
        let unknown = json!({"type": "object", "properties": {}, "required": ["a"]});
        assert!(check(unknown).unwrap_err().contains("\"a\""));
        let default = json!({"type": "object", "properties": {
            "mode": {"enum": ["fast", "safe"], "default": "quick"},
        }});
        assert!(check(default).unwrap_err().contains("quick"));
        let reference = json!({"type": "object", "properties": {"mode": {"$ref": "#/$defs/Mode"}}});
        assert!(check(reference).unwrap_err().contains("$defs/Mode"));
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in ["password", "secretkey", "secret_key", "key", "api-token", "Passphrase"] {
            assert!(is_named_like_a_secret(name), "{name}");
        }
        for name in ["accesskey", "access_key", "path", "keyring_name", "user"] {
            assert!(!is_named_like_a_secret(name), "{name}");
        }
    }
}
