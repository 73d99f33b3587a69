//! Lines that belong together: descriptions and objects that kubectl prints, the trace of a panic,
//! the usage of a program. Only some of their lines can say that something is wrong.

use diagnosis::{Cause, Finding, Meaning, Subject, is_of_another_api, meaning_of_text};

/// What the lines belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Document {
    /// Nothing: each stands for itself.
    #[default]
    None,
    /// The trace of a Go program that panicked.
    Trace,
    /// What a program prints about its flags.
    Usage,
    /// `kubectl describe`, of the object of this name.
    Description(String),
    /// `kubectl get --output=yaml` or `json`.
    Object(Object),
}

/// Where in an object, or in a list of them, the lines are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// The name of the object, or of the one that an event is about.
    name: String,
    /// The indent of `metadata:`, while its fields go on, and that of its fields.
    metadata: Option<(usize, Option<usize>)>,
}

/// Fields of descriptions and objects that say how something is.
const TELLING: [&str; 6] = ["Message", "message", "Reason", "reason", "Last State", "State"];

/// Fields that have the name of the object that the ones after them are about. An event's own
/// metadata come last.
const NAMING: [&str; 2] = ["metadata", "involvedObject"];

// === impl Document ===

impl Document {
    /// The document that begins with this line, if one does.
    pub(super) fn beginning(line: &str) -> Option<Self> {
        let text = line.trim_end();
        if text == "Usage:" {
            return Some(Self::Usage);
        }
        if text.starts_with("goroutine ") && text.ends_with(':') {
            return Some(Self::Trace);
        }
        if let Some(name) = text.strip_prefix("Name:").filter(|rest| rest.starts_with(' ')) {
            return Some(Self::Description(name.trim().to_owned()));
        }
        let is_object = ["apiVersion: ", "- apiVersion: ", "kind: ", "items:", "status:"]
            .iter()
            .any(|start| text.starts_with(start));
        (is_object || matches!(text, "{" | "[")).then(|| Self::Object(Object::default()))
    }

    /// Whether a line goes on with the document.
    pub(super) fn has(&self, line: &str) -> bool {
        let indented = line.starts_with([' ', '\t']) || line.trim().is_empty();
        match self {
            Self::None => false,
            Self::Trace => {
                let is_call = line.ends_with(')') && line.contains('(') && !line.contains("\": ");
                let starts = ["goroutine ", "created by ", "[signal ", "runtime.", "exit status"];
                indented || is_call || starts.iter().any(|start| line.starts_with(start))
            }
            Self::Usage => indented || line.trim_end().ends_with(':'),
            // kubectl puts two spaces at least after a name; programs put one after a colon.
            Self::Description(_) => {
                let after = line.split_once(':').map(|(_, after)| after);
                indented
                    || field(line).is_some()
                        && after.is_some_and(|it| it.is_empty() || it.starts_with("  "))
            }
            Self::Object(_) => {
                let is_bracket = line.trim().chars().all(|c| "{}[],".contains(c));
                let is_key = |key: &str| {
                    key.starts_with(|c: char| c.is_ascii_lowercase())
                        && key.bytes().all(|byte| byte.is_ascii_alphabetic())
                        && key != "http"
                };
                indented
                    || line.starts_with("- ")
                    || is_bracket
                    || field(line).is_some_and(|(key, _)| is_key(key))
            }
        }
    }

    /// Whether `line` goes on with the value of the `open` line before: YAML folds long ones.
    pub(super) fn joins(&self, line: &str, open: &str) -> bool {
        let ((indent, text), (of, open)) = (item(line), item(open));
        let is_scalar = || match field(open) {
            Some((_, value)) => !value.is_empty(),
            None => true,
        };
        let is_json = |text: &str| text.starts_with(['"', '{', '}', '[', ']']);
        matches!(self, Self::Object(_))
            && indent > of
            && !is_json(text)
            && !is_json(open)
            && is_scalar()
    }

    /// What a line of the document says.
    pub(super) fn meaning(&mut self, line: &str) -> Meaning {
        let (indent, text) = item(line);
        let field = field(text);
        let name = match self {
            Self::None => return meaning_of_text(line),
            Self::Trace | Self::Usage => return Meaning::Harmless,
            Self::Description(name) => {
                if let Some(("Name", value)) = field.filter(|_| indent == 0) {
                    value.clone_into(name);
                }
                &*name
            }
            Self::Object(object) => {
                if let Some((key, value)) = field {
                    object.note(indent, key, value);
                }
                &object.name
            }
        };
        let said = match field {
            Some((key, value)) if TELLING.contains(&key) => value,
            // The current and the wanted value of an autoscaler.
            Some((key, value)) if key.starts_with("resource ") => {
                let is_missing = value.starts_with("<unknown>");
                let missing = Finding { cause: Cause::UsageMissing, subject: None, cure: None };
                return if is_missing { about(vec![missing], name) } else { Meaning::Harmless };
            }
            Some(_) => return Meaning::Harmless,
            None => text,
        };
        match meaning_of_text(said) {
            Meaning::Wrong(findings) => about(findings, name),
            Meaning::Unknown if said.starts_with("Warning ") => Meaning::Unknown,
            _ => Meaning::Harmless,
        }
    }
}

// === impl Object ===

impl Object {
    /// Takes in a field.
    fn note(&mut self, indent: usize, key: &str, value: &str) {
        self.metadata = self.metadata.filter(|(of, _)| indent > *of);
        if let Some((_, fields)) = &mut self.metadata
            && *fields.get_or_insert(indent) == indent
            && key == "name"
        {
            value.clone_into(&mut self.name);
        }
        if NAMING.contains(&key) && matches!(value, "" | "{") {
            self.metadata = Some((indent, None));
        }
    }
}

/// The findings that are about the metrics server's own pods and API, or nodes, with the names of
/// nodes and autoscalers.
fn about(findings: Vec<Finding>, name: &str) -> Meaning {
    let is_others = |cause: Cause| {
        cause.is_of_server_pod() && !name.is_empty() && !name.contains("metrics-server")
            || is_of_another_api(name)
    };
    let named = |mut finding: Finding| {
        finding.subject = finding.subject.or_else(|| match finding.cause {
            Cause::NodeNotReady => Subject::node(name),
            Cause::UsageMissing | Cause::NoRequests => Subject::other(name),
            _ => None,
        });
        finding
    };
    let findings: Vec<_> =
        findings.into_iter().filter(|finding| !is_others(finding.cause)).map(named).collect();
    if findings.is_empty() { Meaning::Harmless } else { Meaning::Wrong(findings) }
}

/// The indent of a line and what is there; the `- ` of a list is part of the indent.
fn item(line: &str) -> (usize, &str) {
    let text = line.trim_start();
    let text = text.strip_prefix("- ").unwrap_or(text).trim_start();
    (line.len() - text.len(), text.trim_end())
}

/// Key and value of a line such as `Message:  …`, `message: '…'` or `"message": "…",`.
fn field(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (key, value) = match line.strip_prefix('"') {
        Some(rest) => rest.split_once("\":")?,
        None => {
            line.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '))?
        }
    };
    let is_key = |c: char| c.is_ascii_alphanumeric() || " -_./()".contains(c);
    // Columns are apart by two spaces and more: rows of conditions and events have no key.
    let is_row = key.contains("  ") && !key.contains("  (");
    if key.is_empty() || key.len() > 100 || is_row || !key.chars().all(is_key) {
        return None;
    }
    // Errors look alike: `Error from server (NotFound): …`.
    let first = key.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    if ["error", "panic", "fatal", "warning"].contains(&&*first) {
        return None;
    }
    let value = value.trim().trim_end_matches(',');
    let quoted = ['"', '\''].iter().find_map(|quote| {
        value.strip_prefix(*quote).map(|rest| rest.strip_suffix(*quote).unwrap_or(rest))
    });
    Some((key.trim(), quoted.unwrap_or(value)))
}
