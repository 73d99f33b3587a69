//! Kubernetes objects and logs of a cluster, from wherever they come.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What was read of a cluster.
#[derive(Debug, Default)]
pub struct Objects {
    by_kind: BTreeMap<String, Vec<Value>>,
    /// Logs, the oldest first.
    pub(super) logs: Vec<Log>,
    /// What could not be read.
    pub(super) unread: Vec<Unread>,
    /// Whether all that is not unread was asked for, as of a live cluster.
    pub(super) is_live: bool,
}

/// The log of a container, or a file that may be one.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The pod, where that is known.
    pub(super) pod: Option<String>,
    pub(super) text: String,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What.
    pub what: String,
    /// Why not, and what to do about it.
    pub why: String,
}

/// Kinds that are never kept: nothing secret may come into a scenario.
const SECRET: [&str; 2] = ["Secret", "SecretList"];

// === impl Objects ===

impl Objects {
    /// Takes in what kubectl has printed: objects and lists of them, in JSON or in YAML. Of a text
    /// with a mistake, all is left out; the error names its place.
    pub(crate) fn add_text(&mut self, text: &str) -> Result<(), String> {
        let first_line = |error: String| error.lines().next().unwrap_or_default().trim().to_owned();
        let documents: Vec<Value> = match serde_json::from_str(text) {
            Ok(value) => vec![value],
            Err(error) if text.trim_start().starts_with('{') && !text.contains("\n---") => {
                // YAML is a superset, but its parser's messages are about YAML.
                match serde_yaml::from_multiple(text) {
                    Ok(values) => values,
                    Err(_) => return Err(first_line(error.to_string())),
                }
            }
            Err(_) => {
                serde_yaml::from_multiple(text).map_err(|error| first_line(error.to_string()))?
            }
        };
        for document in documents {
            self.add(document);
        }
        Ok(())
    }

    /// Takes in an object, or the items of a list.
    pub(crate) fn add(&mut self, mut object: Value) {
        let Some(kind) = object["kind"].as_str().map(str::to_owned) else { return };
        if SECRET.contains(&&*kind) {
            return;
        }
        let Some(of) = kind.strip_suffix("List").filter(|_| object["items"].is_array()) else {
            self.by_kind.entry(kind).or_default().push(object);
            return;
        };
        for mut item in object["items"].as_array_mut().map(std::mem::take).unwrap_or_default() {
            // The items of a NodeList need not have their kind.
            if item["kind"].is_null() && !of.is_empty() && item.is_object() {
                item["kind"] = of.into();
            }
            self.add(item);
        }
    }

    /// The objects of a kind, each of them once: the one that was read last.
    pub(crate) fn of(&self, kind: &str) -> Vec<&Value> {
        let all = self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
        let mut by_name = BTreeMap::new();
        for (index, object) in all.iter().enumerate() {
            by_name.insert((namespace_of(object), name_of(object)), index);
        }
        let kept: BTreeSet<_> = by_name.into_values().collect();
        kept.into_iter().map(|index| &all[index]).collect()
    }

    /// The object of a kind and name, in a namespace where it has one.
    pub(super) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.of(kind).into_iter().find(|object| {
            name_of(object) == name && (namespace.is_empty() || namespace_of(object) == namespace)
        })
    }

    /// The kinds that there are.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().map(String::as_str)
    }

    /// Whether nothing at all was read.
    pub(super) fn is_empty(&self) -> bool {
        self.by_kind.is_empty() && self.logs.is_empty()
    }

    /// Every value in it, those that hold others first.
    pub(super) fn for_each_mut(&mut self, change: &mut dyn FnMut(&mut Value)) {
        fn each(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
            change(value);
            match value {
                Value::Array(values) => values.iter_mut().for_each(|value| each(value, change)),
                Value::Object(fields) => fields.values_mut().for_each(|value| each(value, change)),
                _ => {}
            }
        }
        self.by_kind.values_mut().flatten().for_each(|value| each(value, change));
    }

    /// Every text in it, to be replaced by another one.
    pub(super) fn replace_texts(&mut self, replace: &mut dyn FnMut(&str) -> String) {
        self.for_each_mut(&mut |value| match value {
            Value::String(text) => *text = replace(text),
            Value::Object(fields) => {
                // Labels have names too.
                let all = std::mem::take(fields);
                fields.extend(all.into_iter().map(|(key, value)| (replace(&key), value)));
            }
            _ => {}
        });
        for log in &mut self.logs {
            log.text = replace(&log.text);
            log.pod = log.pod.as_deref().map(&mut *replace);
        }
        for unread in &mut self.unread {
            unread.what = replace(&unread.what);
            unread.why = replace(&unread.why);
        }
    }
}

/// An object's name.
pub(crate) fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// An object's namespace.
pub(super) fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// The items of a list within an object.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The texts of a list within an object.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

/// The status of an object's condition, and the condition.
pub(super) fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    items(&object["status"]["conditions"]).find(|condition| condition["type"] == kind)
}
