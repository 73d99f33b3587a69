//! YAML as the API server's library writes it, from JSON.

use std::cmp::Ordering;

use serde_json::Value;

use super::yaml_text::{self, Place};

/// Writes a JSON document. What is not JSON is written as nothing: all that comes here was made
/// by this server.
pub(crate) fn document(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    if let Ok(value) = serde_json::from_slice::<Value>(json) {
        match &value {
            Value::Object(fields) if !fields.is_empty() => mapping(&mut out, fields, 0, false),
            Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
            other => scalar(&mut out, other, 0),
        }
    }
    out
}

/// Writes a JSON document as the next item of a list that stands at `indent`.
pub(crate) fn item(out: &mut Vec<u8>, json: &[u8], indent: usize) {
    if let Ok(value) = serde_json::from_slice::<Value>(json) {
        sequence(out, std::slice::from_ref(&value), indent);
    }
}

fn mapping(
    out: &mut Vec<u8>,
    fields: &serde_json::Map<String, Value>,
    indent: usize,
    mut behind_dash: bool,
) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by(|(one, _), (other, _)| compare_keys(one, other));
    for (name, value) in fields {
        if !std::mem::take(&mut behind_dash) {
            space(out, indent);
        }
        yaml_text::write(out, name, Place::Key);
        out.push(b':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push(b'\n');
                mapping(out, inner, indent + 2, false);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push(b'\n');
                sequence(out, items, indent);
            }
            other => {
                out.push(b' ');
                scalar(out, other, indent);
            }
        }
    }
}

fn sequence(out: &mut Vec<u8>, items: &[Value], indent: usize) {
    for item in items {
        space(out, indent);
        out.extend_from_slice(b"- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => mapping(out, fields, indent + 2, true),
            // Rows of cells are the deepest that there is: no list stands in a list.
            Value::Array(items) if !items.is_empty() => {
                out.pop();
                out.push(b'\n');
                sequence(out, items, indent + 2);
            }
            other => scalar(out, other, indent),
        }
    }
}

fn scalar(out: &mut Vec<u8>, value: &Value, indent: usize) {
    match value {
        Value::String(text) => yaml_text::write(out, text, Place::Value { indent: indent + 2 }),
        Value::Object(_) => out.extend_from_slice(b"{}"),
        Value::Array(_) => out.extend_from_slice(b"[]"),
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
    out.push(b'\n');
}

fn space(out: &mut Vec<u8>, width: usize) {
    out.resize(out.len() + width, b' ');
}

/// The order of keys in go-yaml: letters behind everything else, numbers by value.
fn compare_keys(one: &str, other: &str) -> Ordering {
    let (a, b): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => a[at].cmp(&b[at]),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare_numbers(&a, &b, at).then(a[at].cmp(&b[at])),
    }
}

fn compare_numbers(a: &[char], b: &[char], at: usize) -> Ordering {
    // A zero that follows other digits counts as one of them, a leading zero does not.
    let mut before = a[..at].iter().rev().take_while(|character| character.is_ascii_digit());
    let zero = a[at] == '0' || b[at] == '0';
    let start = u64::from(zero && before.any(|digit| *digit != '0'));
    let number = |text: &[char]| {
        let digits = text[at..].iter().map_while(|character| character.to_digit(10));
        digits.fold((start, 0), |(number, length), digit| {
            (number.wrapping_mul(10).wrapping_add(u64::from(digit)), length + 1)
        })
    };
    let ((a, a_length), (b, b_length)): ((u64, usize), (u64, usize)) = (number(a), number(b));
    a.cmp(&b).then(a_length.cmp(&b_length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_go_yaml_orders_them() {
        let ordered = ["a-b", "a.b", "a/b", "a2", "a10", "aB", "ab", "abc", "b"];
        for pair in ordered.windows(2) {
            assert_eq!(compare_keys(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
    }

    #[test]
    fn structure_is_written_as_go_yaml_writes_it() {
        let json = br#"{"rows":[{"object":null,"cells":["a",1]}],"metadata":{},"items":[],"a":{"b":{"c":true}}}"#;
        let expected = "a:\n  b:\n    c: true\nitems: []\nmetadata: {}\nrows:\n- cells:\n  - a\n  - 1\n  object: null\n";
        assert_eq!(String::from_utf8(document(json)).unwrap(), expected);
    }
}
