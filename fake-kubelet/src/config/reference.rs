//! The reference of the configuration file, made from its schema.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A table for each kind of map in the file, beginning with the whole file.
pub(crate) fn reference(schema: &Value) -> String {
    let mut out = String::new();
    section(&mut out, "The file", schema);
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    for (name, definition) in definitions {
        section(&mut out, title(name), definition);
    }
    out
}

fn section(out: &mut String, name: &str, schema: &Value) {
    let about = text(schema);
    // Writing to a String cannot fail.
    let _ = write!(out, "### {name}\n\n{about}\n\n");
    if let Some(fields) = schema["properties"].as_object() {
        out.push_str("| field | is | about |\n|---|---|---|\n");
        for (field, value) in fields {
            let required = schema["required"].as_array().into_iter().flatten();
            let needed = if required.into_iter().any(|it| it == field) { ", required" } else { "" };
            let _ = writeln!(out, "| `{field}` | {}{needed} | {} |", kind(value), text(value));
        }
    } else {
        out.push_str("| value | about |\n|---|---|\n");
        for choice in schema["oneOf"].as_array().into_iter().flatten() {
            for (value, about) in choices(choice) {
                let _ = writeln!(out, "| `{value}` | {about} |");
            }
        }
    }
    out.push('\n');
}

fn choices(choice: &Value) -> Vec<(String, String)> {
    let named = choice["const"].as_str().map(|name| (name.to_owned(), text(choice)));
    let several = choice["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    named.into_iter().chain(several.map(|name| (name.to_owned(), String::new()))).collect()
}

/// What a field's value is, with a link where that has a table of its own.
fn kind(value: &Value) -> String {
    if let Some(name) = value["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let title = title(name);
        return format!("[{title}](#{})", title.to_lowercase());
    }
    if let Some(options) = value["anyOf"].as_array().or(value["allOf"].as_array()) {
        let other = options.iter().find(|option| option["type"] != "null");
        return other.map(kind).unwrap_or_default();
    }
    let name = match &value["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    match name.unwrap_or_default() {
        "array" => format!("list of {}", kind(&value["items"])),
        "object" => "map".to_owned(),
        name => name.to_owned(),
    }
}

fn title(name: &str) -> &str {
    name.strip_suffix("Config").unwrap_or(name)
}

/// A description in one line.
fn text(schema: &Value) -> String {
    let described = schema.as_object().and_then(|it: &Map<_, _>| it.get("description"));
    described.and_then(Value::as_str).unwrap_or_default().replace("\n\n", " ").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use super::*;
    use crate::config::schema;

    const BEGIN: &str = "<!-- reference: made from the schema -->\n";
    const END: &str = "<!-- end of the reference -->\n";

    /// With `UPDATE_DOCS` set, the files are written instead.
    fn holds(file: &Path, text: &str) {
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(file, text).unwrap();
        }
        let held = fs::read_to_string(file).unwrap_or_default();
        let cure = "run UPDATE_DOCS=1 cargo test -p fake-kubelet reference";
        assert!(held == text, "{} is not up to date: {cure}", file.display());
    }

    #[test]
    fn the_schema_in_the_repository_is_the_programs() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
        holds(&file, &format!("{:#}\n", schema()));
    }

    #[test]
    fn the_reference_in_the_docs_is_the_schemas() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fake-kubelet.md");
        let text = fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let reference = reference(&schema());
        holds(&file, &format!("{before}{BEGIN}\n{reference}{END}{after}"));
    }

    #[test]
    fn every_field_says_what_it_is_for() {
        let schema = schema();
        let definitions = schema["$defs"].as_object().unwrap().values();
        for definition in definitions.chain([&schema]) {
            for (name, field) in definition["properties"].as_object().into_iter().flatten() {
                assert!(!text(field).is_empty(), "{name}");
                assert!(!kind(field).is_empty(), "{name}: {field}");
            }
        }
    }
}
