//! Types as tables, and how both versions of OpenAPI write them.

use serde_json::{Map, Value, json};

/// A version of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    V2,
    V3,
}

/// A type.
pub(super) struct Schema {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
    /// Group, version and kind, where it is an object of the API.
    pub(super) kind: Option<[&'static str; 3]>,
}

/// What a type looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Object(&'static [Field]),
    /// Replaced or kept as a whole.
    AtomicObject(&'static [Field]),
    AnyObject,
    Text,
    Moment,
    Amount,
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) holds: Holds,
    pub(super) required: bool,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    Text,
    Flag,
    Number,
    Reference(&'static str),
    TextMap,
    MapOf(&'static str),
    Texts(Merge),
    ListOf(&'static str, Merge),
}

/// How two lists become one.
#[derive(Clone, Copy)]
pub(super) enum Merge {
    Unsaid,
    Atomic,
    Set,
    ByKey(&'static str),
}

/// A field that may be missing.
pub(super) const fn optional(name: &'static str, holds: Holds, about: &'static str) -> Field {
    Field { name, about, holds, required: false }
}

/// A field that is always there.
pub(super) const fn required(name: &'static str, holds: Holds, about: &'static str) -> Field {
    Field { name, about, holds, required: true }
}

// === impl Dialect ===

impl Dialect {
    pub(super) fn reference(self, name: &str) -> String {
        match self {
            Self::V2 => format!("#/definitions/{name}"),
            Self::V3 => format!("#/components/schemas/{name}"),
        }
    }

    /// A value of another type, with a place for words beside it.
    fn referring(self, name: &str) -> Map<String, Value> {
        let reference = json!({"$ref": self.reference(name)});
        match (self, reference) {
            (Self::V2, Value::Object(reference)) => reference,
            // Nothing may stand beside a reference in version 3.
            (_, reference) => fields([("allOf", json!([reference])), ("default", json!({}))]),
        }
    }
}

// === impl Schema ===

impl Schema {
    pub(super) fn render(&self, dialect: Dialect) -> Value {
        let mut out = match self.shape {
            Shape::Object(list) => object(list, dialect),
            Shape::AtomicObject(list) => {
                let mut out = object(list, dialect);
                out.insert("x-kubernetes-map-type".to_owned(), json!("atomic"));
                out
            }
            Shape::AnyObject => fields([("type", json!("object"))]),
            Shape::Moment => fields([("type", json!("string")), ("format", json!("date-time"))]),
            Shape::Amount if dialect == Dialect::V3 => {
                fields([("oneOf", json!([{"type": "string"}, {"type": "number"}]))])
            }
            Shape::Text | Shape::Amount => fields([("type", json!("string"))]),
        };
        out.insert("description".to_owned(), json!(self.about));
        if let Some([group, version, kind]) = self.kind {
            let kind = json!([{"group": group, "kind": kind, "version": version}]);
            out.insert("x-kubernetes-group-version-kind".to_owned(), kind);
        }
        Value::Object(out)
    }
}

fn object(list: &[Field], dialect: Dialect) -> Map<String, Value> {
    let properties = list.iter().map(|field| (field.name.to_owned(), field.render(dialect)));
    let required: Vec<_> = list.iter().filter(|field| field.required).map(|f| f.name).collect();
    let mut out =
        fields([("type", json!("object")), ("properties", Value::Object(properties.collect()))]);
    if !required.is_empty() {
        out.insert("required".to_owned(), json!(required));
    }
    out
}

// === impl Field ===

impl Field {
    fn render(&self, dialect: Dialect) -> Value {
        let mut out = match self.holds {
            Holds::Text => fields([("type", json!("string"))]),
            Holds::Flag => fields([("type", json!("boolean"))]),
            Holds::Number => fields([("type", json!("integer")), ("format", json!("int64"))]),
            Holds::Reference(name) => dialect.referring(name),
            Holds::TextMap => map(json!({"type": "string"})),
            Holds::MapOf(name) => map(json!({"$ref": dialect.reference(name)})),
            Holds::Texts(merge) => merge.list(json!({"type": "string"})),
            Holds::ListOf(name, merge) => merge.list(Value::Object(dialect.referring(name))),
        };
        if !self.about.is_empty() {
            out.insert("description".to_owned(), json!(self.about));
        }
        if dialect == Dialect::V3 && self.required && matches!(self.holds, Holds::Text) {
            out.insert("default".to_owned(), json!(""));
        }
        Value::Object(out)
    }
}

// === impl Merge ===

impl Merge {
    fn list(self, items: Value) -> Map<String, Value> {
        let mut out = fields([("type", json!("array")), ("items", items)]);
        let extensions = match self {
            Self::Unsaid => json!({}),
            Self::Atomic => json!({"x-kubernetes-list-type": "atomic"}),
            Self::Set => {
                json!({"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"})
            }
            Self::ByKey(key) => json!({
                "x-kubernetes-list-map-keys": [key],
                "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": key,
                "x-kubernetes-patch-strategy": "merge",
            }),
        };
        if let Value::Object(extensions) = extensions {
            out.extend(extensions);
        }
        out
    }
}

fn map(values: Value) -> Map<String, Value> {
    fields([("type", json!("object")), ("additionalProperties", values)])
}

fn fields<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
