//! The scenario with a cure as its last step.

use std::{fmt::Write, fs, io, path::Path, time::Duration};

use k8s_text::duration;
use serde_json::{Map, Value, json};

use super::{
    search::Tried,
    seen::Seen,
    simulation::{Broken, times},
};
use crate::{
    capture::scalar,
    file::{self, ScenarioFile},
    run,
};

const NODES: &str = "/apis/metrics.k8s.io/v1beta1/nodes";
const API_SERVICE: &str = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";

/// The longest line of a list or map in brackets.
const WIDTH: usize = 100;

/// Fields that come before or after others.
const FIRST: [&str; 5] = ["name", "about", "change", "wait", "holdsFor"];

/// The text of a scenario with these changes as its last step. None if it does not pass.
pub(super) fn with_cure(broken: &Broken<'_>, cure: &Tried) -> Option<String> {
    let steps = steps(broken, cure);
    let texts = [appended(broken, &steps), Some(written(broken, &steps))];
    texts.into_iter().flatten().find(|text| passes(broken.file, text))
}

/// Copies the files that a scenario names, such as recordings, to where a copy of it looks for them.
pub(super) fn copy_files(file: &ScenarioFile, to: &Path) -> io::Result<()> {
    let from = file.path.parent().unwrap_or(Path::new(""));
    let mut paths = Vec::new();
    relative_paths(&file.document()["spec"], &mut paths);
    for path in paths {
        let (from, to) = (from.join(&path), to.join(&path));
        if !from.is_dir() {
            copy(&from, &to)?;
            continue;
        }
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(drop)
}

/// The files that nodes name: recordings and traces. Those above the scenario's folder stay there.
fn relative_paths(value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(path) if name == "replay" || name == "file" => {
                        let is_below = Path::new(path)
                            .components()
                            .all(|part| matches!(part, std::path::Component::Normal(_)));
                        if is_below && !paths.contains(path) {
                            paths.push(path.clone());
                        }
                    }
                    value => relative_paths(value, paths),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| relative_paths(item, paths)),
        _ => {}
    }
}

/// The step with the cure, after one that shows that the failure lasts if it did not yet.
fn steps(broken: &Broken<'_>, cure: &Tried) -> Vec<Value> {
    let mut steps = Vec::new();
    if broken.settles {
        let wait = json!({"cycles": 2});
        steps.push(json!({"name": "it lasts", "wait": wait, "expect": [expected(&broken.seen)]}));
    }
    let (limit, holds) = times(&cure.setup.args);
    let mut step = json!({
        "name": name(cure),
        "wait": {"upTo": text(limit)},
        "holdsFor": text(holds),
        "expect": [expected(&cure.seen)],
    });
    let change = broken.setup.change_to(&cure.setup);
    if change != json!({}) {
        step["change"] = change;
    }
    steps.push(step);
    steps
}

fn name(cure: &Tried) -> String {
    if cure.edits.is_empty() {
        return "it passes".to_owned();
    }
    let edits: Vec<_> = cure.edits.iter().map(super::Edit::describe).collect();
    format!("the cure: {}", edits.join("; "))
}

/// What users see.
fn expected(seen: &Seen) -> Value {
    if seen.is_available {
        return json!({"get": NODES, "items": seen.answers()});
    }
    let conditions = json!([{"type": "Available", "status": "False"}]);
    json!({"get": API_SERVICE, "body": {"status": {"conditions": conditions}}})
}

fn text(time: Duration) -> String {
    duration::format(time)
}

/// The file's own text and the steps after it, which keeps its comments; if it ends with its steps.
fn appended(broken: &Broken<'_>, steps: &[Value]) -> Option<String> {
    let spec = &broken.file.scenario.spec;
    if broken.file.case.is_some() || broken.steps == 0 || broken.steps < spec.steps.len() {
        return None;
    }
    let indent = broken.file.step(broken.steps - 1).column.checked_sub(3)?;
    let mut text = broken.file.text().trim_end().to_owned() + "\n";
    for step in steps {
        item(step, indent, &mut text);
    }
    Some(text)
}

/// The document written anew, with as many of its steps as there are before the cure.
fn written(broken: &Broken<'_>, steps: &[Value]) -> String {
    let mut document = broken.file.document();
    if let Some(spec) = document["spec"].as_object_mut() {
        spec.remove("values");
        spec.remove("matrix");
        let all = spec.entry("steps").or_insert_with(|| json!([]));
        if let Some(all) = all.as_array_mut() {
            all.truncate(broken.steps);
            all.extend(steps.iter().cloned());
        }
    }
    let mut text = String::new();
    map(&document, 0, &mut text);
    text
}

fn passes(original: &ScenarioFile, text: &str) -> bool {
    let files = file::parse(&original.path, text.to_owned());
    files.is_ok_and(|files| files.iter().all(|file| run::run(file).passed()))
}

/// Writes the fields of a map, a line or more for each.
fn map(value: &Value, indent: usize, out: &mut String) {
    for (name, value) in fields(value) {
        let name = format!("{:indent$}{}:", "", scalar(name));
        *out += &name;
        let line = flow(value);
        match value {
            _ if name.len() + line.len() < WIDTH || is_bare(value) => {
                let _ = writeln!(out, " {line}");
            }
            Value::Array(items) => {
                out.push('\n');
                for it in items {
                    item(it, indent + 2, out);
                }
            }
            value => {
                out.push('\n');
                map(value, indent + 2, out);
            }
        }
    }
}

/// Writes an item of a list.
fn item(value: &Value, indent: usize, out: &mut String) {
    let line = flow(value);
    if is_bare(value) || value.is_array() || indent + line.len() < WIDTH {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:indent$}- {line}", "");
        return;
    }
    let mut text = String::new();
    map(value, indent + 2, &mut text);
    let _ = write!(out, "{:indent$}- {}", "", &text[indent + 2..]);
}

/// On one line, in brackets.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(_) => {
            let fields = fields(value).into_iter();
            let fields: Vec<_> =
                fields.map(|(name, value)| format!("{}: {}", scalar(name), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        value => value.to_string(),
    }
}

fn is_bare(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    }
}

fn fields(value: &Value) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = value.as_object().into_iter().flat_map(Map::iter).collect();
    fields.sort_by_key(|(name, _)| {
        FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len())
    });
    fields
}
