//! What may differ between two servers, made equal: moments, windows, and what ours adds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::exchange::Answer;

/// An answer as far as it has to be alike.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Normal {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Headers that differ in each response, those of its length, and those of Go's file server, which
/// serves OpenAPI documents: ours have an entity tag and are sent whole.
const OWN_HEADERS: [&str; 6] =
    ["audit-id", "date", "content-length", "transfer-encoding", "accept-ranges", "last-modified"];

// === impl Normal ===

impl Normal {
    /// What is left of an answer.
    pub(crate) fn of(answer: &Answer) -> Self {
        let kept = answer.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str()));
        let headers: BTreeMap<_, _> = kept
            .map(|(name, value)| {
                // Hashed from each server's own prose.
                let value = if name == "etag" { "its own" } else { value.to_str().unwrap() };
                (name.to_string(), value.to_owned())
            })
            .collect();
        let kind = headers.get("content-type").map_or("", String::as_str);
        let body = body(kind, &answer.body);
        Self { status: answer.status.as_u16(), headers, body }
    }

    /// Where it is not as `expected`, line by line.
    pub(crate) fn differences(&self, expected: &Self) -> Option<String> {
        let text = |normal: &Self| {
            let Self { status, headers, body } = normal;
            format!("{status}\n{headers:#?}\n{body}")
        };
        (self != expected).then(|| {
            let (expected, seen) = (text(expected), text(self));
            let diff = similar::TextDiff::from_lines(&expected, &seen);
            diff.unified_diff().header("recorded", "ours").to_string()
        })
    }
}

fn body(content_type: &str, bytes: &[u8]) -> String {
    if content_type == "application/vnd.kubernetes.protobuf" {
        return hex(&without_moments(bytes));
    }
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    match serde_json::from_str::<Value>(&text) {
        Ok(document) if document.get("paths").is_some() => paths(document),
        Ok(document) if document.get("gitVersion").is_some() => version(&text),
        Ok(document)
            if document["kind"] == "PodMetricsList" || document["kind"] == "PodMetrics" =>
        {
            mask(&ordered_containers(&text))
        }
        Ok(_) => mask(&without_reason(&without_v1(&text))),
        Err(_) => mask(&text),
    }
}

/// `/version` without its values: each server has versions of its own.
fn version(text: &str) -> String {
    let names = text.lines().map(|line| line.split(": ").next().unwrap_or_default());
    names.collect::<Vec<_>>().join("\n")
}

/// Discovery, where v1 stands beside what was recorded, with v1 taken out. This and the next function are the
/// places that know how ours differs.
fn without_v1(text: &str) -> String {
    let aggregated = r#""resources":[{"resource":"nodes","responseKind":{"group":"","version":"","kind":"NodeMetrics"},"scope":"Cluster","singularResource":"","verbs":["get","list"]},{"resource":"pods","responseKind":{"group":"","version":"","kind":"PodMetrics"},"scope":"Namespaced","singularResource":"","verbs":["get","list"]}],"freshness":"Current"}"#;
    text.replace(r#",{"groupVersion":"metrics.k8s.io/v1","version":"v1"}"#, "")
        .replace(&format!(r#",{{"version":"v1",{aggregated}"#), "")
}

/// A `NotFound` without our reason: the recorded server knows none. It stands at the end, so that
/// who searches for the recorded words finds them.
fn without_reason(text: &str) -> String {
    const END: &str = r#"","reason":"NotFound""#;
    match (text.find(" not found: "), text.find(END)) {
        (Some(from), Some(to)) if from < to => {
            format!("{} not found{}", &text[..from], &text[to..])
        }
        _ => text.to_owned(),
    }
}

/// The paths at `/` and of OpenAPI, without ours.
fn paths(mut document: Value) -> String {
    if let Some(paths) = document["paths"].as_array_mut() {
        paths.retain(|path| path.as_str().unwrap() != "/apis/metrics.k8s.io/v1");
        // Indented, as it was.
        return serde_json::to_string_pretty(&document).unwrap();
    }
    openapi(document)
}

/// OpenAPI documents as their structure. Prose and what is hashed from it are each server's own.
/// Definitions of Kubernetes' own types are left to the API server in ours.
fn openapi(mut document: Value) -> String {
    document["info"] = Value::Null;
    if let Some(definitions) = document.get_mut("definitions").and_then(Value::as_object_mut) {
        let of_api_server = |name: &str| {
            name.starts_with("io.k8s.apimachinery.") && !name.ends_with(".meta.v1.Duration")
        };
        definitions.retain(|name, _| !of_api_server(name));
    }
    strip(&mut document);
    serde_json::to_string_pretty(&document).unwrap()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("description").is_some_and(Value::is_string) {
                fields.remove("description");
            }
            let is_v1 = |name: &str| {
                ["metrics.v1.", "/metrics.k8s.io/v1/"].iter().any(|part| name.contains(part))
                    || name == "apis/metrics.k8s.io/v1"
            };
            let kept = std::mem::take(fields).into_iter().filter(|(name, _)| !is_v1(name));
            *fields = kept.map(|(name, value)| (without_hash(&name), value)).collect();
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        Value::String(text) if text.contains("?hash=") => {
            *text = text.split("?hash=").next().unwrap().to_owned();
        }
        Value::String(text) if text.starts_with("#/parameters/") => *text = without_hash(text),
        _ => {}
    }
}

/// `limit-1NfNmdNH` as `limit-`.
fn without_hash(name: &str) -> String {
    // The hash has eight characters, dashes among them.
    match name.len().checked_sub(8).and_then(|at| name.split_at_checked(at)) {
        Some((name, _)) if name.ends_with('-') => name.to_owned(),
        _ => name.to_owned(),
    }
}

/// The Go server has a pod's containers in any order.
fn ordered_containers(text: &str) -> String {
    let (one, other) = (r#"{"name":"c0","#, r#"{"name":"c1","#);
    let parts: Vec<_> = text.split(r#""containers":["#).collect();
    let ordered = parts.iter().enumerate().map(|(at, part)| {
        if at > 0 && part.starts_with(other) {
            part.replacen(other, "\0", 1).replacen(one, other, 1).replacen('\0', one, 1)
        } else {
            (*part).to_owned()
        }
    });
    ordered.collect::<Vec<_>>().join(r#""containers":["#)
}

/// Moments and windows as what they are.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, tail) = rest.split_at(at);
        masked.push_str(before);
        let end = tail.find(|c: char| !"0123456789-T:.Zs".contains(c)).unwrap_or(tail.len());
        let (token, behind) = tail.split_at(end);
        let is_moment = token.len() == 20 && token.contains('T') && token.ends_with('Z');
        let is_window = token.ends_with('s') && token.starts_with("15.0");
        masked.push_str(if is_moment {
            "MOMENT"
        } else if is_window {
            "WINDOW"
        } else {
            token
        });
        rest = behind;
    }
    masked + rest
}

/// Protobuf with moments and windows cut out: all are of the same length in both, so that what is
/// left has to be the same to the byte.
fn without_moments(bytes: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..] {
            // A moment: seconds in five bytes, no nanoseconds.
            [0x08, 0x08, _, _, _, _, _, 0x10, 0x00, ..] => {
                left.extend_from_slice(b"MOMENT");
                at += 9;
            }
            // A window: nanoseconds in five bytes.
            [0x1a, 0x06, 0x08, _, _, _, _, _, ..] => {
                left.extend_from_slice(b"WINDOW");
                at += 8;
            }
            _ => {
                left.push(bytes[at]);
                at += 1;
            }
        }
    }
    left
}

/// Bytes, readable where they are text.
fn hex(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
