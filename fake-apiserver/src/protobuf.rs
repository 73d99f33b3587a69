//! Kubernetes' protobuf as JSON: the reviews that Go clients post, the objects of `metrics.k8s.io`,
//! and `Status`. The fields' numbers are those of the `.proto` files in k8s.io/api, k8s.io/metrics
//! and k8s.io/apimachinery.

use std::str;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every message of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field reads.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Message(Fields),
    /// One of a list's messages.
    List(Fields),
    /// One of a list's texts.
    Texts,
    /// An entry of a map from texts to texts.
    Map,
    /// An entry of a map from texts to messages, each of which is its only field in JSON.
    MapOf(Fields),
    Time,
    Window,
}

/// Numbers, names and kinds of a message's fields.
type Fields = &'static [(u64, &'static str, Kind)];

const LIST_META: Fields = &[
    (1, "selfLink", Kind::Text),
    (2, "resourceVersion", Kind::Text),
    (3, "continue", Kind::Text),
    (4, "remainingItemCount", Kind::Number),
];
const OBJECT_META: Fields = &[
    (1, "name", Kind::Text),
    (2, "generateName", Kind::Text),
    (3, "namespace", Kind::Text),
    (5, "uid", Kind::Text),
    (6, "resourceVersion", Kind::Text),
    (8, "creationTimestamp", Kind::Time),
    (11, "labels", Kind::Map),
    (12, "annotations", Kind::Map),
];
const QUANTITY: Fields = &[(1, "string", Kind::Text)];
const NODE: Fields = &[
    (1, "metadata", Kind::Message(OBJECT_META)),
    (2, "timestamp", Kind::Time),
    (3, "window", Kind::Window),
    (4, "usage", Kind::MapOf(QUANTITY)),
];
const CONTAINER: Fields = &[(1, "name", Kind::Text), (2, "usage", Kind::MapOf(QUANTITY))];
const POD: Fields = &[
    (1, "metadata", Kind::Message(OBJECT_META)),
    (2, "timestamp", Kind::Time),
    (3, "window", Kind::Window),
    (4, "containers", Kind::List(CONTAINER)),
];
const NODES: Fields = &[(1, "metadata", Kind::Message(LIST_META)), (2, "items", Kind::List(NODE))];
const PODS: Fields = &[(1, "metadata", Kind::Message(LIST_META)), (2, "items", Kind::List(POD))];
const STATUS: Fields = &[
    (1, "metadata", Kind::Message(LIST_META)),
    (2, "status", Kind::Text),
    (3, "message", Kind::Text),
    (4, "reason", Kind::Text),
    (6, "code", Kind::Number),
];
const TOKEN_REVIEW_SPEC: Fields = &[(1, "token", Kind::Text), (2, "audiences", Kind::Texts)];
const TOKEN_REVIEW: Fields = &[(2, "spec", Kind::Message(TOKEN_REVIEW_SPEC))];
const RESOURCE_ATTRIBUTES: Fields = &[
    (1, "namespace", Kind::Text),
    (2, "verb", Kind::Text),
    (3, "group", Kind::Text),
    (4, "version", Kind::Text),
    (5, "resource", Kind::Text),
    (6, "subresource", Kind::Text),
    (7, "name", Kind::Text),
];
const NON_RESOURCE_ATTRIBUTES: Fields = &[(1, "path", Kind::Text), (2, "verb", Kind::Text)];
/// That of a `SelfSubjectAccessReview` has the first two.
const ACCESS_REVIEW_SPEC: Fields = &[
    (1, "resourceAttributes", Kind::Message(RESOURCE_ATTRIBUTES)),
    (2, "nonResourceAttributes", Kind::Message(NON_RESOURCE_ATTRIBUTES)),
    (3, "user", Kind::Text),
    (4, "groups", Kind::Texts),
    (5, "extra", Kind::MapOf(&[(1, "items", Kind::Texts)])),
    (6, "uid", Kind::Text),
];
const ACCESS_REVIEW: Fields = &[(2, "spec", Kind::Message(ACCESS_REVIEW_SPEC))];
const TYPE_META: Fields = &[(1, "apiVersion", Kind::Text), (2, "kind", Kind::Text)];
const SECONDS: Fields = &[(1, "seconds", Kind::Number), (2, "nanos", Kind::Number)];

/// A field as it stands in the bytes.
enum Raw<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads one message after the other from the front.
struct Reader<'a>(&'a [u8]);

/// The object in an envelope; none if the bytes are malformed or of another kind.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    let mut envelope = Reader(bytes.strip_prefix(MAGIC)?);
    let (mut object, mut raw) = (Map::new(), None);
    while !envelope.0.is_empty() {
        match envelope.field()? {
            (1, Raw::Bytes(kind)) => object = message(kind, TYPE_META)?,
            (2, Raw::Bytes(bytes)) => raw = Some(bytes),
            _ => {}
        }
    }
    let fields = match object.get("kind")?.as_str()? {
        "NodeMetrics" => NODE,
        "NodeMetricsList" => NODES,
        "PodMetrics" => POD,
        "PodMetricsList" => PODS,
        "Status" => STATUS,
        "TokenReview" => TOKEN_REVIEW,
        "SubjectAccessReview" | "SelfSubjectAccessReview" => ACCESS_REVIEW,
        _ => return None,
    };
    object.extend(message(raw?, fields)?);
    Some(Value::Object(object))
}

fn message(bytes: &[u8], fields: Fields) -> Option<Map<String, Value>> {
    let mut reader = Reader(bytes);
    // A list that is empty has no bytes, but JSON has it.
    let lists = fields.iter().filter(|(_, _, kind)| matches!(kind, Kind::List(_)));
    let mut read: Map<_, _> =
        lists.map(|(_, name, _)| ((*name).to_owned(), Value::Array(Vec::new()))).collect();
    while !reader.0.is_empty() {
        let (number, raw) = reader.field()?;
        let Some((_, name, kind)) = fields.iter().find(|(n, _, _)| *n == number) else { continue };
        let value = match (kind, raw) {
            (Kind::Number, Raw::Number(number)) => Value::from(number),
            (Kind::Text, Raw::Bytes(bytes)) => str::from_utf8(bytes).ok()?.into(),
            (Kind::Message(fields), Raw::Bytes(bytes)) => Value::Object(message(bytes, fields)?),
            (Kind::Time, Raw::Bytes(bytes)) => time(bytes)?,
            (Kind::Window, Raw::Bytes(bytes)) => window(bytes)?,
            (Kind::List(fields), Raw::Bytes(bytes)) => {
                let item = Value::Object(message(bytes, fields)?);
                read.get_mut(*name)?.as_array_mut()?.push(item);
                continue;
            }
            (Kind::Texts, Raw::Bytes(bytes)) => {
                let list = read.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut()?.push(str::from_utf8(bytes).ok()?.into());
                continue;
            }
            (Kind::Map | Kind::MapOf(_), Raw::Bytes(bytes)) => {
                let (key, value) = entry(bytes, *kind)?;
                let map = read.entry(*name).or_insert_with(|| Value::Object(Map::new()));
                map.as_object_mut()?.insert(key, value);
                continue;
            }
            _ => return None,
        };
        // In JSON, what is empty is left out.
        if value.as_str() != Some("") && !value.is_null() {
            read.insert((*name).to_owned(), value);
        }
    }
    Some(read)
}

fn entry(bytes: &[u8], kind: Kind) -> Option<(String, Value)> {
    let mut reader = Reader(bytes);
    let (mut key, mut value) = (String::new(), &[][..]);
    while !reader.0.is_empty() {
        match reader.field()? {
            (1, Raw::Bytes(bytes)) => str::from_utf8(bytes).ok()?.clone_into(&mut key),
            (2, Raw::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let value = match kind {
        Kind::MapOf(fields) => {
            message(value, fields)?.into_values().next().unwrap_or_else(|| Value::Array(Vec::new()))
        }
        _ => str::from_utf8(value).ok()?.into(),
    };
    Some((key, value))
}

/// A moment to the second, as Kubernetes writes it in JSON; nothing for the zero time.
fn time(bytes: &[u8]) -> Option<Value> {
    let time = message(bytes, SECONDS)?;
    let seconds = time.get("seconds").and_then(Value::as_u64);
    // Times before 1970 are negative, and only Go's zero time is one.
    let moment = seconds.and_then(|s| Timestamp::from_second(i64::try_from(s).ok()?).ok());
    Some(moment.map_or(Value::Null, |moment| Value::from(moment.to_string())))
}

/// A duration in Go's notation.
fn window(bytes: &[u8]) -> Option<Value> {
    const NANOS: Fields = &[(1, "duration", Kind::Number)];
    let nanos = message(bytes, NANOS)?.get("duration").and_then(Value::as_u64).unwrap_or(0);
    let duration = std::time::Duration::from_nanos(nanos);
    Some(k8s_text::duration::format(duration).into())
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn field(&mut self) -> Option<(u64, Raw<'a>)> {
        let tag = self.varint()?;
        let raw = match tag & 7 {
            0 => Raw::Number(self.varint()?),
            1 => Raw::Bytes(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Raw::Bytes(self.take(length)?)
            }
            5 => Raw::Bytes(self.take(4)?),
            _ => return None,
        };
        Some((tag >> 3, raw))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn member(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend(content);
        bytes
    }

    fn envelope(kind: &str, spec: &[u8]) -> Vec<u8> {
        let object = [member(1, b""), member(2, spec)].concat();
        [MAGIC.to_vec(), member(1, &member(2, kind.as_bytes())), member(2, &object)].concat()
    }

    #[test]
    fn reads_the_reviews_that_go_clients_post() {
        let spec = [member(1, b"secret"), member(2, b"a"), member(2, b"b")].concat();
        assert_eq!(
            decode(&envelope("TokenReview", &spec)).unwrap(),
            json!({ "kind": "TokenReview", "spec": { "token": "secret", "audiences": ["a", "b"] } })
        );
        let attributes = [member(2, b"list"), member(3, b"metrics.k8s.io"), member(5, b"nodes")];
        let extra = [member(1, b"scopes"), member(2, &member(1, b"x"))].concat();
        let spec = [member(1, &attributes.concat()), member(3, b"bob"), member(5, &extra)];
        assert_eq!(
            decode(&envelope("SubjectAccessReview", &spec.concat())).unwrap(),
            json!({
                "kind": "SubjectAccessReview",
                "spec": {
                    "resourceAttributes": {
                        "verb": "list", "group": "metrics.k8s.io", "resource": "nodes",
                    },
                    "user": "bob",
                    "extra": { "scopes": ["x"] },
                },
            })
        );
    }

    /// What `kubectl auth can-i list nodes` of 1.32 posts.
    #[test]
    fn reads_what_kubectl_posts() {
        let head = b"k8s\0\x0a\x32\x0a\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview";
        let object =
            b"\x12\x3e\x0a\x10\x0a\x00\x12\x00\x1a\x00\x22\x00\x2a\x00\x32\x00\x38\x00\x42\x00";
        let spec = b"\x12\x20\x0a\x1e\x0a\x07default\x12\x04list\x1a\x00\x22\x00\x2a\x05nodes\x32\x00\x3a\x00";
        let status = b"\x1a\x08\x08\x00\x12\x00\x1a\x00\x20\x00\x1a\x00\x22\x00";
        let body = [&head[..], object, spec, status].concat();
        let attributes = &decode(&body).unwrap()["spec"]["resourceAttributes"];
        assert_eq!(
            *attributes,
            json!({ "namespace": "default", "verb": "list", "resource": "nodes" })
        );
    }

    #[test]
    fn refuses_what_is_cut_short() {
        let body = envelope("TokenReview", &member(1, b"secret"));
        for length in 0..body.len() {
            assert_eq!(decode(&body[..length]), None, "{length} bytes");
        }
    }
}
