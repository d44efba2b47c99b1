//! Details that cannot be right: a required field left out, a word where a number belongs.

use super::super::failure::{Checked, Doing, Failure, ensure, refused};
use super::super::scene::Scene;
use super::super::subject::Subject;
use super::schema::lookup;
use crate::{Details, InputSchema, PluginErrorKind, StoreContext};
use serde_json::Value;
use std::sync::Arc;

/// No number, no boolean, and no word of anybody's list.
const NONSENSE: &str = "conformance-nonsense";

const WITHOUT: &str = "without ";
const WRONG: &str = "wrong ";

fn schema(subject: &Subject) -> InputSchema {
    subject.stage.provider.get_input_schema(subject.provider_type)
}

/// One input for each required field, and one for each field that takes no arbitrary text.
pub(in super::super) fn bad_inputs(subject: &Subject) -> Vec<String> {
    let schema = schema(subject);
    let required = schema.as_value().get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let mut inputs: Vec<_> = required.map(|field| format!("{WITHOUT}{field}")).collect();
    let properties = schema.as_value().get("properties").and_then(Value::as_object);
    for (name, field) in properties.into_iter().flatten() {
        if !takes_any_text(&schema, field) {
            inputs.push(format!("{WRONG}{name}"));
        }
    }
    inputs
}

/// Whether a field takes text that is in no list.
fn takes_any_text(schema: &InputSchema, field: &Value) -> bool {
    if ["enum", "const", "oneOf"].iter().any(|key| lookup(schema, field, key).is_some()) {
        return false;
    }
    // What else a schema may say is left alone: whether it takes a text is hard to tell.
    match lookup(schema, field, "type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(|one| one == "string"),
        Some(one) => one == "string",
    }
}

pub(in super::super) async fn bad_details_are_refused(scene: Arc<Scene>) -> Checked {
    let mut details: Details = scene.input.details.clone();
    let field = if let Some(field) = scene.parameter.strip_prefix(WITHOUT) {
        details.remove(field);
        field
    } else if let Some(field) = scene.parameter.strip_prefix(WRONG) {
        details.insert(field, NONSENSE);
        field
    } else {
        return Err(Failure::new("the kit does not know what to do to the details"));
    };
    let mut request = scene.initialize_request();
    request.uuid = scene.stage.uuid();
    request.details = details.clone();
    let mut store = (*scene.store()).clone();
    store.uuid = request.uuid;
    store.details = details;
    let answer = scene.initialize(request).await;
    let what = format!("initializing a store {}", scene.parameter);
    let error = refused(answer, &[PluginErrorKind::InvalidConfig], &what);
    // Whether it was refused or not: nothing of it may stay.
    let removed = scene.delete_data_store(&StoreContext::new(store)).await;
    let error = error?;
    ensure(error.to_string().contains(field), || {
        format!("{what}: expected an error that names the field {field:?}, got {error}")
    })?;
    match removed {
        // Nothing can have been made where the details lead nowhere.
        Err(error) if error.kind() == PluginErrorKind::InvalidConfig => Ok(()),
        answer => answer.doing("removing a store after a failed initialize").map(drop),
    }
}
