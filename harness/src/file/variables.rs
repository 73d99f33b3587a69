//! Variables: `${name}` is replaced by the value of that name in `spec.values`, or in the case of
//! `spec.matrix`.

use std::collections::BTreeSet;

use cluster_format::{
    Content, Location, Mistake, YamlNode,
    suggest::{nearest, quote},
};

/// Variables of the world, not of the file.
const WORLD: [&str; 5] = ["apiServer", "clusterCA", "otherCA", "token", "tokenFile"];
const FILES: &str = "files.";

/// The fields of `spec` that define variables. A value that used others could use itself.
const DEFINITIONS: [&str; 2] = ["values", "matrix"];

/// `root` with these values in place of their variables, and what is wrong with the variables.
pub(super) fn substitute(
    root: YamlNode,
    values: &[(String, YamlNode)],
) -> (YamlNode, Vec<Mistake>) {
    let files = files(&root);
    let mut walk = Walk { values, files, used: BTreeSet::new(), mistakes: Vec::new() };
    let filled = match root.content {
        Content::Map(entries) => {
            let fields = entries.into_iter().map(|(name, node)| match name.as_str() {
                "spec" => (name, walk.spec(node)),
                _ => (name, walk.node(node)),
            });
            YamlNode { content: Content::Map(fields.collect()), ..root }
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
fn files(root: &YamlNode) -> BTreeSet<String> {
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
    values: &'a [(String, YamlNode)],
    files: BTreeSet<String>,
    used: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn spec(&mut self, spec: YamlNode) -> YamlNode {
        let Content::Map(entries) = spec.content else { return spec };
        let fields = entries.into_iter().map(|(name, node)| match name.as_str() {
            field if DEFINITIONS.contains(&field) => (name, node),
            _ => (name, self.node(node)),
        });
        YamlNode { content: Content::Map(fields.collect()), ..spec }
    }

    fn node(&mut self, node: YamlNode) -> YamlNode {
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
        YamlNode { content, ..node }
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
            match self.value(name).map(YamlNode::to_json) {
                Some(serde_json::Value::String(text)) => filled += &text,
                Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                    filled += &value.to_string();
                }
                Some(_) => self.mistakes.push(
                    Mistake::at(place, format!("{} is no text", quote(name)))
                        .help("a list or a map can only take the place of a whole value"),
                ),
                None => {
                    self.check_variable(name, place);
                    filled.extend(["${", name, "}"]);
                }
            }
            rest = after;
        }
        Content::Text(filled + rest)
    }

    fn value(&mut self, name: &str) -> Option<&'a YamlNode> {
        let (name, value) = self.values.iter().find(|(known, _)| known == name)?;
        self.used.insert(name.clone());
        Some(value)
    }

    fn check_variable(&mut self, name: &str, place: &Location) {
        if WORLD.contains(&name) {
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
        let names = self.values.iter().map(|(name, _)| name.as_str()).chain(WORLD);
        let help = match nearest(name, names) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None => "add it to \"values\" in \"spec\"".to_owned(),
        };
        let message = format!("there is no value {}", quote(name));
        self.mistakes.push(Mistake::at(place, message).help(help));
    }
}
