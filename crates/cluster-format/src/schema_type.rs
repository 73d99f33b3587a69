//! The type that a part of the JSON Schema requires.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;
use k8s_text::quantity::Quantity;
use serde_json::{Map, Value};

use crate::{
    values::{Network, Notation, Probability, Share},
    x509::X509Version,
};

/// What a value must be. Only what schemars writes for the types of formats is known:
/// [`unknown_keywords`] finds the rest.
#[derive(Clone, Debug)]
pub(crate) enum SchemaType<'a> {
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
    /// A map with any keys.
    Dictionary(&'a Value),
    Object(Object<'a>),
}

/// A map with known fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    fields: &'a Map<String, Value>,
    required: Option<&'a Vec<Value>>,
}

/// The keywords that [`SchemaTypes::of`] reads, and those that only describe.
const KNOWN: [&str; 19] = [
    "$schema",
    "$id",
    "$defs",
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

/// Returns what is wrong with a text, if anything.
pub(crate) type Reader = fn(&str) -> Result<(), String>;

/// The JSON Schema, with the definitions its parts refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaTypes<'a> {
    root: &'a Value,
}

// === impl SchemaTypes ===

impl<'a> SchemaTypes<'a> {
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub(crate) fn is_root(self, schema: &Value) -> bool {
        std::ptr::eq(self.root, schema)
    }

    /// The type that `schema` requires, and whether null is allowed as well.
    pub(crate) fn of(self, schema: &'a Value) -> (SchemaType<'a>, bool) {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            return self.of(&self.root["$defs"][name]);
        }
        if let Some(options) = schema["anyOf"].as_array() {
            let nullable = options.iter().any(|option| option["type"] == "null");
            let other = options.iter().find(|option| option["type"] != "null");
            return other.map_or((SchemaType::Any, true), |other| (self.of(other).0, nullable));
        }
        if let Some(options) = schema["oneOf"].as_array() {
            return (
                SchemaType::Choice(options.iter().filter_map(|o| o["const"].as_str()).collect()),
                false,
            );
        }
        if let Some(options) = schema["enum"].as_array() {
            return (SchemaType::Choice(options.iter().filter_map(Value::as_str).collect()), false);
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return (SchemaType::Any, true),
        };
        let shape = match (schema["format"].as_str().and_then(reader), types[0]) {
            (Some(read), _) => {
                let about = schema["description"].as_str().unwrap_or_default();
                SchemaType::Notation { read, about }
            }
            (None, "boolean") => SchemaType::Bool,
            (None, "string") => SchemaType::Text,
            (None, "number") => SchemaType::Number,
            (None, "integer") => integer(schema),
            (None, "array") => SchemaType::List(&schema["items"]),
            (None, "object") => object(schema),
            _ => SchemaType::Any,
        };
        (shape, types.contains(&"null"))
    }
}

/// The description of `schema`, in one line.
pub(crate) fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_once("\n\n").map_or(text, |(first, _)| first).replace('\n', " ")
}

fn object(schema: &Value) -> SchemaType<'_> {
    match (schema["properties"].as_object(), &schema["additionalProperties"]) {
        (Some(fields), _) => {
            SchemaType::Object(Object { fields, required: schema["required"].as_array() })
        }
        (None, others) => SchemaType::Dictionary(others),
    }
}

/// schemars writes the bounds of 8 and 16 bits, but leaves those of 32 and 64 to the format.
fn integer(schema: &Value) -> SchemaType<'_> {
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
    SchemaType::Integer { least: bound("minimum", least), most: bound("maximum", most) }
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
        Ipv4Addr::NAME => read::<Ipv4Addr>,
        SocketAddr::NAME => read::<SocketAddr>,
        Probability::NAME => read::<Probability>,
        Share::NAME => read::<Share>,
        Network::NAME => read::<Network>,
        X509Version::NAME => read::<X509Version>,
        _ => return None,
    })
}

// === impl Object ===

impl<'a> Object<'a> {
    pub(crate) fn field(self, name: &str) -> Option<&'a Value> {
        self.fields.get(name)
    }

    pub(crate) fn names(self) -> impl Iterator<Item = &'a str> + Clone {
        self.fields.keys().map(String::as_str)
    }

    pub(crate) fn required(self) -> impl Iterator<Item = &'a str> {
        self.required.into_iter().flatten().filter_map(Value::as_str)
    }

    pub(crate) fn is_required(self, name: &str) -> bool {
        self.required().any(|required| required == name)
    }
}

/// Keywords and formats of a schema that [`validate`](crate::validate) does not know and would
/// ignore: tests of a format expect none.
pub fn unknown_keywords(schema: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    visit(schema, &mut unknown);
    unknown
}

fn visit(schema: &Value, unknown: &mut Vec<String>) {
    let Value::Object(map) = schema else { return };
    for keyword in map.keys().filter(|keyword| !KNOWN.contains(&keyword.as_str())) {
        unknown.push(keyword.clone());
    }
    if let Some(format) = map.get("format").and_then(Value::as_str) {
        let number = format.starts_with("uint") || format.starts_with("int") || format == "double";
        if !number && reader(format).is_none() {
            unknown.push(format!("format: {format}"));
        }
    }
    if map.contains_key("properties") && map.get("additionalProperties") != Some(&false.into()) {
        unknown.push("properties without additionalProperties: false".to_owned());
    }
    for keyword in ["anyOf", "oneOf"] {
        for part in map.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            visit(part, unknown);
        }
    }
    for keyword in ["properties", "$defs"] {
        for (_, part) in map.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            visit(part, unknown);
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(part) = map.get(keyword) {
            visit(part, unknown);
        }
    }
}
