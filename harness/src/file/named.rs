//! Values with a name: `${name}` stands for what `spec.values` says.

use super::{
    location::Location,
    mistake::Mistake,
    node::{Content, Node},
    words::{nearest, quote},
};

/// What the world fills in, not the file.
const PLACES: [&str; 2] = ["clusterCA", "otherCA"];
const FILES: &str = "files.";

/// `root` with all values in their places, and what is wrong with how they are named.
pub(super) fn fill_in(root: Node) -> (Node, Vec<Mistake>) {
    let values = match root.get("spec").and_then(|spec| spec.get("values")) {
        Some(Node { content: Content::Map(entries), .. }) => entries.clone(),
        _ => Vec::new(),
    };
    let mut walk = Walk { values, mistakes: Vec::new() };
    let filled = walk.node(root);
    (filled, walk.mistakes)
}

struct Walk {
    values: Vec<(String, Node)>,
    mistakes: Vec<Mistake>,
}

// === impl Walk ===

impl Walk {
    fn node(&mut self, node: Node) -> Node {
        let content = match node.content {
            Content::Text(text) if text.contains("${") => self.text(&text, &node.location),
            Content::List(items) => {
                Content::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            Content::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| match key.as_str() {
                        // A value that named others could name itself.
                        "values" => (key, value),
                        _ => (key, self.node(value)),
                    })
                    .collect(),
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

    fn value(&self, name: &str) -> Option<&Node> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn check_place(&mut self, name: &str, place: &Location) {
        if PLACES.contains(&name) || name.starts_with(FILES) {
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
