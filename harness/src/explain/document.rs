//! Lines that belong together: descriptions and objects that kubectl prints, the trace of a panic,
//! the usage of a program. Only some of their lines can say that something is wrong.

use diagnosis::{Cause, Finding, Meaning, Subject, meaning_of_text};

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
    /// `kubectl get --output=yaml` or `json`: the name that came last.
    Object(String),
}

/// Fields of descriptions and objects that say how something is.
const TELLING: [&str; 6] = ["Message", "message", "Reason", "reason", "Last State", "State"];

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
        (is_object || matches!(text, "{" | "[")).then(|| Self::Object(String::new()))
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
            Self::Description(_) => indented || field(line).is_some(),
            Self::Object(_) => {
                let is_bracket = line.trim().chars().all(|c| "{}[],".contains(c));
                indented || line.starts_with("- ") || is_bracket || field(line).is_some()
            }
        }
    }

    /// Whether a line goes on with the value of the one before, which is indented by `indent`.
    pub(super) fn joins(&self, line: &str, indent: usize) -> bool {
        let text = line.trim_start();
        matches!(self, Self::Object(_))
            && line.len() - text.len() > indent
            && !text.starts_with("- ")
            && !text.starts_with(['"', '{', '}', '[', ']'])
            && field(text).is_none()
    }

    /// What a line of the document says.
    pub(super) fn meaning(&mut self, line: &str) -> Meaning {
        let line = line.trim();
        let name = match self {
            Self::None => return meaning_of_text(line),
            Self::Trace | Self::Usage => return Meaning::Harmless,
            Self::Description(name) | Self::Object(name) => name,
        };
        let item = line.strip_prefix("- ").unwrap_or(line);
        let said = match field(item) {
            Some(("name" | "Name", value)) => {
                value.clone_into(name);
                return Meaning::Harmless;
            }
            Some((key, value)) if TELLING.contains(&key) => value.to_owned(),
            // The current and the wanted value of an autoscaler.
            Some((key, value)) if key.starts_with("resource ") => value.to_owned(),
            Some(_) => return Meaning::Harmless,
            None => item.to_owned(),
        };
        match meaning_of_text(&said) {
            Meaning::Wrong(findings) => about(findings, name),
            Meaning::Unknown if said.starts_with("Warning ") => Meaning::Unknown,
            _ => Meaning::Harmless,
        }
    }
}

/// The findings that are about the metrics server's own pods or nodes, with the node's name.
fn about(findings: Vec<Finding>, name: &str) -> Meaning {
    let is_others_pod = |cause: Cause| {
        cause.is_of_server_pod() && !name.is_empty() && !name.contains("metrics-server")
    };
    let findings: Vec<_> = findings
        .into_iter()
        .filter(|finding| !is_others_pod(finding.cause))
        .map(|mut finding| {
            if finding.cause == Cause::NodeNotReady && finding.subject.is_none() {
                finding.subject = Subject::node(name);
            }
            finding
        })
        .collect();
    if findings.is_empty() { Meaning::Harmless } else { Meaning::Wrong(findings) }
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
    if key.is_empty() || key.len() > 100 || !key.chars().all(is_key) {
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
