//! The JSON Schema of scenario files, for the checks of this module and for editors.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::format::{ExpectationFields, Scenario};

/// The identifier of the schema: the version of the format it describes.
const ID: &str = "urn:metrics-server:harness:v1alpha1:scenario";

/// The JSON Schema (draft 2020-12) of a scenario file whose values are all in their places.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Scenario<ExpectationFields>>();
        schema.insert("$id".to_owned(), ID.into());
        schema.to_value()
    });
    &SCHEMA
}

/// All fields of a scenario file, in Markdown.
pub fn reference() -> String {
    cluster_format::reference(schema(), "Scenario")
}

/// The same for editors, which read a file before its variables are replaced: wherever a value is
/// allowed, `${name}` is.
pub fn editor_schema() -> Value {
    let mut schema = schema().clone();
    let definitions = schema["$defs"].as_object_mut().into_iter().flatten();
    for (_, part) in definitions.filter(|(name, _)| *name != "Metadata") {
        let Value::Object(part) = part else { continue };
        for field in part.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
        {
            allow_names(field.1);
        }
    }
    schema["$defs"]["Named"] = json!({
        "description": "A value with a name, of \"values\" or of the matrix.",
        "type": "string",
        "pattern": r"^\$\{[^}]+\}$",
    });
    schema
}

/// Allows a name in place of a value, and in place of the values in it.
fn allow_names(value: &mut Value) {
    for inner in ["items", "additionalProperties"] {
        if value[inner].is_object() {
            allow_names(&mut value[inner]);
        }
    }
    let Value::Object(fields) = value else { return };
    // Any text may be a name already.
    if fields.is_empty() || fields.get("type").is_some_and(|kind| kind == "string") {
        return;
    }
    let named = json!({"$ref": "#/$defs/Named"});
    if let Some(Value::Array(options)) = fields.get_mut("anyOf") {
        options.push(named);
        return;
    }
    let about: Map<_, _> = ["description", "default"]
        .into_iter()
        .filter_map(|field| fields.remove_entry(field))
        .collect();
    let plain = std::mem::take(fields);
    *fields = about;
    fields.insert("anyOf".to_owned(), json!([plain, named]));
}
