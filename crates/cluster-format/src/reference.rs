//! The reference of a format, written from the schema's descriptions.

use std::fmt::Write;

use serde_json::Value;

use crate::schema_type::{SchemaType, SchemaTypes, about};

/// All fields of a format, in Markdown: a section for each kind of map, in the order of their first
/// use. `title` is that of the root.
pub fn reference(root: &Value, title: &str) -> String {
    let mut text = String::new();
    let mut queue = vec![title.to_owned()];
    let mut next = 0;
    while let Some(name) = queue.get(next).cloned() {
        next += 1;
        let part = if next == 1 { root } else { &root["$defs"][&name] };
        section(&name, part, root, &mut text, &mut queue);
    }
    text
}

fn section(name: &str, part: &Value, root: &Value, text: &mut String, queue: &mut Vec<String>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "### {name}\n\n{}\n", one_line(&about(part)));
    if let Some(fields) = part["properties"].as_object() {
        let required: Vec<_> =
            part["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let _ = writeln!(text, "| field | is | what it says |\n|---|---|---|");
        for (field, value) in fields {
            let must = if required.contains(&field.as_str()) { " **Required.**" } else { "" };
            let is = kind(value, root, queue);
            let about = one_line(&about(value));
            let _ = writeln!(text, "| `{field}` | {is} | {about}{must} |");
        }
    } else if let Some(values) = part["oneOf"].as_array() {
        let _ = writeln!(text, "| value | what it means |\n|---|---|");
        for value in values {
            let name = value["const"].as_str().unwrap_or_default();
            let _ = writeln!(text, "| `{name}` | {} |", one_line(&about(value)));
        }
    }
    text.push('\n');
}

/// What a value is; what it refers to is queued.
fn kind(value: &Value, root: &Value, queue: &mut Vec<String>) -> String {
    if let Some(name) = value["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        let part = &root["$defs"][name];
        if matches!(SchemaTypes::new(root).of(part).0, SchemaType::Notation { .. }) {
            return format!("{} ({})", lower(name), one_line(&about(part)).trim_end_matches('.'));
        }
        if !queue.iter().any(|queued| queued == name) {
            queue.push(name.to_owned());
        }
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(options) = value["anyOf"].as_array() {
        let option = options.iter().find(|option| option["type"] != "null");
        return option.map_or_else(|| "anything".to_owned(), |option| kind(option, root, queue));
    }
    let name = match &value["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => return "anything".to_owned(),
    };
    match name {
        "array" => format!("list of {}", kind(&value["items"], root, queue)),
        "object" => format!("map of {}", kind(&value["additionalProperties"], root, queue)),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "whole number".to_owned(),
        other => other.to_owned(),
    }
}

fn lower(name: &str) -> String {
    if name.starts_with("IP") { "IP address".to_owned() } else { name.to_lowercase() }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
