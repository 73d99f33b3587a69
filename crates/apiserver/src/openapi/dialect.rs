//! The two versions of OpenAPI, and how schemas of version 3 become schemas of version 2.

use serde_json::{Map, Value};

const DEFINITIONS: &str = "#/definitions/";
const SCHEMAS: &str = "#/components/schemas/";

/// A version of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    V2,
    V3,
}

// === impl Dialect ===

impl Dialect {
    /// A reference to the schema `name`.
    pub(super) fn reference(self, name: &str) -> String {
        match self {
            Self::V2 => format!("{DEFINITIONS}{name}"),
            Self::V3 => format!("{SCHEMAS}{name}"),
        }
    }
}

/// The name of the schema that `text` refers to, where it is a reference of version 3.
pub(super) fn referenced(text: &str) -> Option<&str> {
    text.strip_prefix(SCHEMAS)
}

/// A schema of version 3 as version 2 writes it. Only version 2 allows a description beside a
/// reference, where version 3 needs `allOf` around the reference.
pub(super) fn as_v2(schema: Value) -> Value {
    match schema {
        Value::Object(mut fields) => {
            if let Some(Value::Array(parts)) = fields.remove("allOf") {
                fields.extend(parts.into_iter().filter_map(into_fields).flatten());
            }
            Value::Object(fields.into_iter().map(|(name, value)| (name, as_v2(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(as_v2).collect(),
        Value::String(text) => match referenced(&text) {
            Some(name) => Value::String(Dialect::V2.reference(name)),
            None => Value::String(text),
        },
        other => other,
    }
}

fn into_fields(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}
