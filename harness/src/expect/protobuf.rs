//! Answers in protobuf, as if they were JSON: an envelope of Kubernetes, and in it the objects of
//! `metrics.k8s.io` or a `Status`. The fields' numbers are those of the `.proto` files in
//! k8s.io/metrics and k8s.io/apimachinery.

use std::str;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub(super) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What every message of Kubernetes begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field reads.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Message(Fields),
    List(Fields),
    /// An entry of a map from texts to texts.
    Texts,
    /// An entry of a map from texts to quantities, which are messages of one text.
    Quantities,
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
    (11, "labels", Kind::Texts),
    (12, "annotations", Kind::Texts),
];
const NODE: Fields = &[
    (1, "metadata", Kind::Message(OBJECT_META)),
    (2, "timestamp", Kind::Time),
    (3, "window", Kind::Window),
    (4, "usage", Kind::Quantities),
];
const CONTAINER: Fields = &[(1, "name", Kind::Text), (2, "usage", Kind::Quantities)];
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
const TYPE_META: Fields = &[(1, "apiVersion", Kind::Text), (2, "kind", Kind::Text)];
const SECONDS: Fields = &[(1, "seconds", Kind::Number), (2, "nanos", Kind::Number)];

/// A field as it stands in the bytes.
enum Raw<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Reads one message after the other from the front.
struct Reader<'a>(&'a [u8]);

/// An answer; nothing if it makes no sense.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
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
            (Kind::Texts | Kind::Quantities, Raw::Bytes(bytes)) => {
                let (key, value) = entry(bytes, matches!(kind, Kind::Quantities))?;
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

fn entry(bytes: &[u8], quantity: bool) -> Option<(String, Value)> {
    const QUANTITY: Fields = &[(1, "string", Kind::Text)];
    const QUANTITIES: Fields = &[(1, "key", Kind::Text), (2, "value", Kind::Message(QUANTITY))];
    const TEXTS: Fields = &[(1, "key", Kind::Text), (2, "value", Kind::Text)];
    let entry = message(bytes, if quantity { QUANTITIES } else { TEXTS })?;
    let key = entry.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = entry.get("value").cloned().unwrap_or_else(|| "".into());
    Some((key, if quantity { value.get("string")?.clone() } else { value }))
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
