//! Values with a name: `${name}` stands for what `spec.values` says, or the case of `spec.matrix`.

use std::collections::BTreeSet;

use super::{
    location::Location,
    mistake::Mistake,
    node::{Content, Node},
    words::{nearest, quote},
};

/// What the world fills in, not the file.
const PLACES: [&str; 2] = ["clusterCA", "otherCA"];
const FILES: &str = "files.";

/// The fields of `spec` in which values get their names. One that named others could name itself.
const NAMING: [&str; 2] = ["values", "matrix"];

/// `root` with all of these values in their places, and what is wrong with how they are named.
pub(super) fn fill_in(root: Node, values: &[(String, Node)]) -> (Node, Vec<Mistake>) {
    let files = files(&root);
    let mut walk = Walk { values, files, used: BTreeSet::new(), mistakes: Vec::new() };
    let filled = match root.content {
        Content::Map(entries) => {
            let fields = entries.into_iter().map(|(name, node)| match name.as_str() {
                "spec" => (name, walk.spec(node)),
                _ => (name, walk.node(node)),
            });
            Node { content: Content::Map(fields.collect()), ..root }
        }
        _ => root,
    };
    for (name, node) in values.iter().filter(|(name, _)| !walk.used.contains(name)) {
        let mistake =
            Mistake::at(node.key_place(), format!("nothing uses the value {}", quote(name)));
        walk.mistakes.push(mistake.help("write it as ${…} where it is meant, or leave it out"));
    }
    (filled, walk.mistakes)
}

/// The names of all files that the metrics server is ever given.
fn files(root: &Node) -> BTreeSet<String> {
    let spec = root.field("spec");
    let steps = match &spec.field("steps").content {
        Content::List(steps) => steps.as_slice(),
        _ => &[],
    };
    let changed = steps.iter().filter_map(|step| step.get("change")?.get("server"));
    let servers = spec.get("server").into_iter().chain(changed);
    let names = servers.filter_map(|server| match &server.get("files")?.content {
        Content::Map(entries) => Some(entries.iter().map(|(name, _)| name.clone())),
        _ => None,
    });
    names.flatten().collect()
}

struct Walk<'a> {
    values: &'a [(String, Node)],
    files: BTreeSet<String>,
    used: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn spec(&mut self, spec: Node) -> Node {
        let Content::Map(entries) = spec.content else { return spec };
        let fields = entries.into_iter().map(|(name, node)| match name.as_str() {
            naming if NAMING.contains(&naming) => (name, node),
            _ => (name, self.node(node)),
        });
        Node { content: Content::Map(fields.collect()), ..spec }
    }

    fn node(&mut self, node: Node) -> Node {
        let content = match node.content {
            Content::Text(text) if text.contains("${") => self.text(&text, &node.location),
            Content::List(items) => {
                Content::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            Content::Map(entries) => Content::Map(
                entries.into_iter().map(|(key, value)| (key, self.node(value))).collect(),
            ),
            content => content,
        };
        Node { content, ..node }
    }

    fn text(&mut self, text: &str, place: &Location) -> Content {
        let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        if let Some(value) = whole.and_then(|name| self.value(name)) {
            return value.content.clone();
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            filled += before;
            match self.value(name).map(Node::to_json) {
                Some(serde_json::Value::String(text)) => filled += &text,
                Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                    filled += &value.to_string();
                }
                Some(_) => self.mistakes.push(
                    Mistake::at(place, format!("{} is no text", quote(name)))
                        .help("a list or a map can only take the place of a whole value"),
                ),
                None => {
                    self.check_place(name, place);
                    filled.extend(["${", name, "}"]);
                }
            }
            rest = after;
        }
        Content::Text(filled + rest)
    }

    fn value(&mut self, name: &str) -> Option<&'a Node> {
        let (name, value) = self.values.iter().find(|(known, _)| known == name)?;
        self.used.insert(name.clone());
        Some(value)
    }

    fn check_place(&mut self, name: &str, place: &Location) {
        if PLACES.contains(&name) {
            return;
        }
        if let Some(file) = name.strip_prefix(FILES) {
            if !self.files.contains(file) {
                let help = match nearest(file, self.files.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {}?", quote(near)),
                    None => "add it to \"files\" of \"server\"".to_owned(),
                };
                let message = format!("there is no file {}", quote(file));
                self.mistakes.push(Mistake::at(place, message).help(help));
            }
            return;
        }
        let names = self.values.iter().map(|(name, _)| name.as_str()).chain(PLACES);
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None => "add it to \"values\" in \"spec\"".to_owned(),
        };
        let message = format!("there is no value {}", quote(name));
        self.mistakes.push(Mistake::at(place, message).help(help));
    }
}
