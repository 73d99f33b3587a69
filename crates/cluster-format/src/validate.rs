//! Validates a tree by a JSON Schema and reports every location that differs.
//!
//! Not by the jsonschema crate: it knows no locations, and of an optional field (`anyOf` with null) it
//! reports that no alternative fits, not why. A test compares the two.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::{
    location::Location,
    mistake::Mistake,
    schema_type::{Object, SchemaType, SchemaTypes, about},
    suggest::{did_you_mean, list, nearest, quote},
    yaml_node::{Content, YamlNode},
};

/// Returns what is left of `root` when all that is wrong is left out, with the value around it
/// where it is required there; and all mistakes.
///
/// The file and `kept`, a definition of the schema, are kept even without something required, so that
/// one missing field does not hide all other mistakes.
pub fn validate(
    root: &YamlNode,
    text: &str,
    schema: &Value,
    kept: &str,
) -> (Option<YamlNode>, Vec<Mistake>) {
    let types = SchemaTypes::new(schema);
    let mut walk = Walk { text, types, kept: format!("#/$defs/{kept}"), mistakes: Vec::new() };
    let sound = walk.value(root, schema, "the file");
    (sound, walk.mistakes)
}

struct Walk<'a> {
    text: &'a str,
    types: SchemaTypes<'a>,
    kept: String,
    mistakes: Vec<Mistake>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    /// What is sound of `node`, which is called `what`.
    fn value(&mut self, node: &YamlNode, schema: &'a Value, what: &str) -> Option<YamlNode> {
        let (type_, nullable) = self.types.of(schema);
        match (&type_, &node.content) {
            (_, Content::Null) if nullable => Some(node.clone()),
            (SchemaType::Bool, Content::Bool(_))
            | (SchemaType::Text, Content::Text(_))
            | (SchemaType::Number, Content::Number(_))
            | (
                SchemaType::Any,
                Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_),
            ) => Some(node.clone()),
            (SchemaType::Integer { least, most }, Content::Number(number))
                if fits(number, *least, *most) =>
            {
                Some(node.clone())
            }
            (SchemaType::Choice(names), Content::Text(text)) => {
                if names.contains(&text.as_str()) {
                    return Some(node.clone());
                }
                self.report(
                    Mistake::at(&node.location, format!("unknown value {}", quote(text)))
                        .help(did_you_mean(text, "allowed values", names.iter().copied())),
                )
            }
            (SchemaType::Notation { read, .. }, Content::Text(text)) => {
                self.notation(node, read(text))
            }
            (SchemaType::Notation { read, .. }, Content::Number(number)) => {
                self.notation(node, read(&number.to_string()))
            }
            (SchemaType::List(items), Content::List(nodes)) => {
                Some(self.list(node, nodes, items, what))
            }
            (SchemaType::Any, Content::List(nodes)) => {
                Some(self.list(node, nodes, &Value::Null, what))
            }
            (SchemaType::Dictionary(values), Content::Map(entries)) => {
                Some(self.dictionary(node, entries, values))
            }
            (SchemaType::Any, Content::Map(entries)) => {
                Some(self.dictionary(node, entries, &Value::Null))
            }
            (SchemaType::Object(object), Content::Map(entries)) => {
                let (left, whole) = self.object(node, entries, *object);
                (whole || self.is_always_kept(schema)).then_some(left)
            }
            _ => self.report(self.wrong_type(node, &type_, what)),
        }
    }

    fn report<T>(&mut self, mistake: Mistake) -> Option<T> {
        self.mistakes.push(mistake);
        None
    }

    fn notation(&mut self, node: &YamlNode, read: Result<(), String>) -> Option<YamlNode> {
        match read {
            Ok(()) => Some(node.clone()),
            Err(error) => {
                // A notation's error is the cause, a colon and the cure.
                let (message, help) = error.rsplit_once(": ").unwrap_or((&error, ""));
                let mistake = Mistake::at(&node.location, message);
                self.report(if help.is_empty() { mistake } else { mistake.help(help) })
            }
        }
    }

    fn list(
        &mut self,
        node: &YamlNode,
        nodes: &[YamlNode],
        schema: &'a Value,
        what: &str,
    ) -> YamlNode {
        let what = format!("an item of {what}");
        let items: Vec<YamlNode> =
            nodes.iter().filter_map(|item| self.value(item, schema, &what)).collect();
        let broken = items.len() < nodes.len() || items.iter().any(|item| item.broken);
        YamlNode { content: Content::List(items), broken, ..node.emptied() }
    }

    fn dictionary(
        &mut self,
        node: &YamlNode,
        entries: &[(String, YamlNode)],
        schema: &'a Value,
    ) -> YamlNode {
        let mut sound = Vec::new();
        for (name, value) in self.unique(entries) {
            if let Some(value) = self.value(value, schema, &quote(name)) {
                sound.push((name.clone(), value));
            }
        }
        map_of(node, entries, sound)
    }

    fn object(
        &mut self,
        node: &YamlNode,
        entries: &[(String, YamlNode)],
        object: Object<'a>,
    ) -> (YamlNode, bool) {
        let mut sound = Vec::new();
        let mut missing: Vec<&str> = object.required().collect();
        let mut whole = true;
        for (name, value) in self.unique(entries) {
            let Some(schema) = object.field(name) else {
                let meant = nearest(name, object.names());
                missing.retain(|field| meant != Some(*field));
                whole &= meant.is_none_or(|field| !object.is_required(field));
                self.mistakes.push(
                    Mistake::at(value.key_place(), format!("unknown field {}", quote(name)))
                        .help(did_you_mean(name, "known fields", object.names())),
                );
                continue;
            };
            missing.retain(|field| field != name);
            match self.value(value, schema, &quote(name)) {
                Some(value) => sound.push((name.clone(), value)),
                None => whole &= !object.is_required(name),
            }
        }
        for name in &missing {
            let about = object.field(name).map(about).unwrap_or_default();
            self.mistakes.push(
                Mistake::at(node.place(), format!("missing field {}", quote(name))).help(format!(
                    "add {}: {}",
                    quote(name),
                    lower_first(&about)
                )),
            );
        }
        (map_of(node, entries, sound), whole && missing.is_empty())
    }

    fn is_always_kept(&self, schema: &Value) -> bool {
        self.types.is_root(schema) || schema["$ref"] == self.kept.as_str()
    }

    /// The entries without those whose key has occurred before.
    fn unique<'n>(&mut self, entries: &'n [(String, YamlNode)]) -> Vec<&'n (String, YamlNode)> {
        let mut seen: BTreeMap<&str, &Location> = BTreeMap::new();
        let mut unique = Vec::new();
        for entry in entries {
            let (name, place) = (entry.0.as_str(), entry.1.key_place());
            self.check_indentation(place);
            if let Some(first) = seen.get(name) {
                self.mistakes.push(
                    Mistake::at(place, format!("{} is given twice", quote(name)))
                        .related(first, "first here")
                        .help("keep one of the two"),
                );
            } else {
                seen.insert(name, place);
                unique.push(entry);
            }
        }
        unique
    }

    /// YAML forbids tabs there only as far as they decide about nesting.
    fn check_indentation(&mut self, key: &Location) {
        let before = &self.text[..key.span.start];
        let line = before.trim_end_matches([' ', '\t']);
        let is_first = line.is_empty() || line.ends_with('\n');
        if is_first && before[line.len()..].contains('\t') {
            self.mistakes
                .push(Mistake::at(key, "a tab in the indentation").help("indent with spaces only"));
        }
    }

    fn wrong_type(&self, node: &YamlNode, type_: &SchemaType<'_>, what: &str) -> Mistake {
        let source = &self.text[node.location.span.clone()];
        let found = match &node.content {
            Content::Null => "empty".to_owned(),
            Content::Bool(_) => source.to_owned(),
            Content::Number(_) => format!("the number {source}"),
            Content::Text(text) => format!("the text {}", quote(text)),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        };
        let scalar = matches!(&node.content, Content::Bool(_) | Content::Number(_));
        let help = match type_ {
            SchemaType::Bool => Some("write true or false".to_owned()),
            SchemaType::Text if scalar => Some(format!("put it in quotes: \"{source}\"")),
            SchemaType::Any | SchemaType::Text | SchemaType::Number => None,
            SchemaType::Notation { about, .. } => Some(format!("write {}", lower_first(about))),
            SchemaType::Integer { .. } => match &node.content {
                Content::Text(text) if text.parse::<u64>().is_ok() => {
                    Some("leave out the quotes".to_owned())
                }
                _ => None,
            },
            SchemaType::Choice(names) => {
                Some(format!("allowed values: {}", list(names.iter().copied(), "and")))
            }
            SchemaType::List(_) => Some("begin each item with \"- \", or write [a, b]".to_owned()),
            SchemaType::Dictionary(_) => {
                Some("write one \"key: value\" a line, or {key: value}".to_owned())
            }
            SchemaType::Object(object) => {
                Some(format!("known fields: {}", list(object.names(), "and")))
            }
        };
        let mistake =
            Mistake::at(node.place(), format!("{what} must be {}, but is {found}", wanted(type_)));
        match help {
            Some(help) => mistake.help(help),
            None => mistake,
        }
    }
}

/// A description as a fragment.
fn lower_first(about: &str) -> String {
    let mut characters = about.trim_end_matches('.').chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

fn wanted(type_: &SchemaType<'_>) -> String {
    match type_ {
        SchemaType::Any => "anything".to_owned(),
        SchemaType::Bool => "true or false".to_owned(),
        SchemaType::Text | SchemaType::Notation { .. } | SchemaType::Choice(_) => {
            "a text".to_owned()
        }
        SchemaType::Number => "a number".to_owned(),
        SchemaType::Integer { least, most } => format!("a whole number from {least} to {most}"),
        SchemaType::List(_) => "a list".to_owned(),
        SchemaType::Dictionary(_) | SchemaType::Object(_) => "a map".to_owned(),
    }
}

fn fits(number: &Number, least: i128, most: i128) -> bool {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    whole.is_some_and(|number| (least..=most).contains(&number))
}

/// `node` with only the `sound` ones of its entries.
fn map_of(
    node: &YamlNode,
    entries: &[(String, YamlNode)],
    sound: Vec<(String, YamlNode)>,
) -> YamlNode {
    let broken = sound.len() < entries.len() || sound.iter().any(|(_, value)| value.broken);
    YamlNode { content: Content::Map(sound), broken, ..node.emptied() }
}
