//! What one place of the JSON Schema asks for.

use std::{net::IpAddr, time::Duration};

use fake_kubelet::Probability;
use jiff::Timestamp;
use k8s_text::quantity::Quantity;
use serde_json::{Map, Value};

use super::values::{Notation, Share};

/// What a value must be. Only what schemars writes for the types of `format` is known; a test
/// holds every keyword of the schema against this.
#[derive(Clone, Debug)]
pub(super) enum Shape<'a> {
    Any,
    Bool,
    Text,
    Number,
    Integer {
        least: i128,
        most: i128,
    },
    Notation {
        read: Reader,
        about: &'a str,
    },
    Choice(Vec<&'a str>),
    List(&'a Value),
    /// A map with keys of the file's own choice.
    Dictionary(&'a Value),
    Object(Object<'a>),
}

/// A map with known fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'a> {
    fields: &'a Map<String, Value>,
    required: Option<&'a Vec<Value>>,
}

/// Tells what is wrong with a text, if anything.
pub(super) type Reader = fn(&str) -> Result<(), String>;

/// The JSON Schema, with the definitions its parts refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes<'a> {
    root: &'a Value,
}

// === impl Shapes ===

impl<'a> Shapes<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub(super) fn is_root(self, schema: &Value) -> bool {
        std::ptr::eq(self.root, schema)
    }

    /// What `schema` asks for, and whether nothing at all will do as well.
    pub(super) fn of(self, schema: &'a Value) -> (Shape<'a>, bool) {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            return self.of(&self.root["$defs"][name]);
        }
        if let Some(options) = schema["anyOf"].as_array() {
            let nullable = options.iter().any(|option| option["type"] == "null");
            let other = options.iter().find(|option| option["type"] != "null");
            return other.map_or((Shape::Any, true), |other| (self.of(other).0, nullable));
        }
        if let Some(options) = schema["oneOf"].as_array() {
            return (
                Shape::Choice(options.iter().filter_map(|o| o["const"].as_str()).collect()),
                false,
            );
        }
        if let Some(options) = schema["enum"].as_array() {
            return (Shape::Choice(options.iter().filter_map(Value::as_str).collect()), false);
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return (Shape::Any, true),
        };
        let shape = match (schema["format"].as_str().and_then(reader), types[0]) {
            (Some(read), _) => {
                let about = schema["description"].as_str().unwrap_or_default();
                Shape::Notation { read, about }
            }
            (None, "boolean") => Shape::Bool,
            (None, "string") => Shape::Text,
            (None, "number") => Shape::Number,
            (None, "integer") => integer(schema),
            (None, "array") => Shape::List(&schema["items"]),
            (None, "object") => object(schema),
            _ => Shape::Any,
        };
        (shape, types.contains(&"null"))
    }
}

/// What `schema` says about itself, in one line.
pub(super) fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_once("\n\n").map_or(text, |(first, _)| first).replace('\n', " ")
}

fn object(schema: &Value) -> Shape<'_> {
    match (schema["properties"].as_object(), &schema["additionalProperties"]) {
        (Some(fields), _) => {
            Shape::Object(Object { fields, required: schema["required"].as_array() })
        }
        (None, others) => Shape::Dictionary(others),
    }
}

/// schemars writes the bounds of 8 and 16 bits, but leaves those of 32 and 64 to the format.
fn integer(schema: &Value) -> Shape<'_> {
    let (least, most) = match schema["format"].as_str() {
        Some("uint8") => (0, i128::from(u8::MAX)),
        Some("uint16") => (0, i128::from(u16::MAX)),
        Some("uint32") => (0, i128::from(u32::MAX)),
        Some("uint" | "uint64") => (0, i128::from(u64::MAX)),
        Some("int8") => (i128::from(i8::MIN), i128::from(i8::MAX)),
        Some("int16") => (i128::from(i16::MIN), i128::from(i16::MAX)),
        Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let bound = |name: &str, default| schema[name].as_i64().map_or(default, i128::from);
    Shape::Integer { least: bound("minimum", least), most: bound("maximum", most) }
}

/// The notation that the schema calls by this name.
fn reader(name: &str) -> Option<Reader> {
    fn read<T: Notation>(text: &str) -> Result<(), String> {
        T::read(text).map(drop)
    }
    Some(match name {
        Quantity::NAME => read::<Quantity>,
        Duration::NAME => read::<Duration>,
        Timestamp::NAME => read::<Timestamp>,
        IpAddr::NAME => read::<IpAddr>,
        Probability::NAME => read::<Probability>,
        Share::NAME => read::<Share>,
        _ => return None,
    })
}

// === impl Object ===

impl<'a> Object<'a> {
    pub(super) fn field(self, name: &str) -> Option<&'a Value> {
        self.fields.get(name)
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'a str> + Clone {
        self.fields.keys().map(String::as_str)
    }

    pub(super) fn required(self) -> impl Iterator<Item = &'a str> {
        self.required.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn is_required(self, name: &str) -> bool {
        self.required().any(|required| required == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::schema::schema;

    /// The keywords that [`Shapes::of`] reads, and those that only describe.
    const KNOWN: [&str; 16] = [
        "$ref",
        "anyOf",
        "oneOf",
        "const",
        "enum",
        "type",
        "format",
        "minimum",
        "maximum",
        "items",
        "properties",
        "additionalProperties",
        "required",
        "description",
        "default",
        "title",
    ];

    fn visit(schema: &Value, look: &mut dyn FnMut(&Map<String, Value>)) {
        let Value::Object(map) = schema else { return };
        look(map);
        for keyword in ["anyOf", "oneOf"] {
            for part in map.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                visit(part, look);
            }
        }
        for keyword in ["properties", "$defs"] {
            for (_, part) in map.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                visit(part, look);
            }
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(part) = map.get(keyword) {
                visit(part, look);
            }
        }
    }

    #[test]
    fn every_keyword_of_the_schema_is_known() {
        let schema = schema();
        let roots = ["$schema", "$id", "$defs"];
        visit(schema, &mut |part| {
            for keyword in part.keys() {
                let keyword = keyword.as_str();
                assert!(
                    KNOWN.contains(&keyword) || roots.contains(&keyword),
                    "{keyword}: {part:?}"
                );
            }
            if let Some(format) = part.get("format").and_then(Value::as_str) {
                let known = format.starts_with("uint") || format.starts_with("int");
                assert!(known || format == "double" || reader(format).is_some(), "{format}");
            }
            if let Some(fields) = part.get("properties") {
                assert_eq!(part.get("additionalProperties"), Some(&false.into()), "{fields}");
            }
        });
    }
}
