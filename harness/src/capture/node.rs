//! A node of a scenario, as text.

use std::{fmt::Write, net::IpAddr};

use serde_json::Value;

use super::objects::{condition, items, name_of};

/// The types that an address may have.
const TYPES: [&str; 5] = ["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"];

/// The port of kubelets.
const PORT: u64 = 10250;

/// The annotation with the path of a kubelet's metrics.
const PATH_ANNOTATION: &str = "metrics.k8s.io/resource-metrics-path";

/// A node to write.
#[derive(Clone, Debug, Default)]
pub(crate) struct MadeNode {
    pub(crate) name: String,
    /// How many there are of it.
    pub(crate) count: Option<u32>,
    /// Types and addresses.
    pub(crate) addresses: Vec<(String, String)>,
    /// The machine's IP addresses, where its addresses do not have them.
    pub(crate) ips: Option<Made>,
    /// Further fields.
    pub(crate) fields: Vec<(&'static str, Made)>,
    /// What it uses.
    pub(crate) usage: Option<Made>,
    /// Its pods, each in YAML's flow style.
    pub(crate) pods: Vec<String>,
}

/// A value in YAML's flow style; none, if there are only comments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) value: String,
    /// Comments before it.
    pub(crate) notes: Vec<String>,
}

// === impl Made ===

impl Made {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), notes: Vec::new() }
    }

    pub(crate) fn because(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn write(&self, text: &mut String, name: &str) {
        for note in &self.notes {
            let _ = writeln!(text, "      # {note}");
        }
        if !self.value.is_empty() {
            let _ = writeln!(text, "      {name}: {}", self.value);
        }
    }
}

// === impl MadeNode ===

impl MadeNode {
    /// What of a Node matters to a metrics server.
    pub(crate) fn of(node: &Value) -> Self {
        let status = &node["status"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let addresses = items(&status["addresses"])
            .map(|address| (text(&address["type"]), text(&address["address"])))
            .filter(|(kind, _)| TYPES.contains(&kind.as_str()))
            .collect();
        let mut fields = Vec::new();
        if condition(node, "Ready").is_some_and(|ready| ready["status"] != "True") {
            fields.push(("ready", Made::new("false")));
        }
        if let Some(version) = status["nodeInfo"]["kubeletVersion"].as_str() {
            fields.push(("version", Made::new(scalar(version))));
        }
        let allocatable = &status["allocatable"];
        if let (Some(cpu), Some(memory)) =
            (allocatable["cpu"].as_str(), allocatable["memory"].as_str())
        {
            let amounts = format!("{{cpu: {}, memory: {}}}", quantity(cpu), quantity(memory));
            fields.push(("allocatable", Made::new(amounts)));
        }
        let path = node["metadata"]["annotations"][PATH_ANNOTATION].as_str();
        // Others are not served by fake kubelets.
        if let Some(path) = path.filter(|path| path.starts_with("/metrics/")) {
            let annotation = format!("{{{PATH_ANNOTATION}: {}}}", scalar(path));
            fields.push(("annotations", Made::new(annotation)));
        }
        Self { name: name_of(node).to_owned(), addresses, fields, ..Self::default() }
    }

    /// The port of a Node's kubelet, where it is not the usual one.
    pub(crate) fn port(node: &Value) -> Option<u64> {
        let port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_u64();
        port.filter(|port| *port != PORT && *port != 0)
    }

    /// Whether an address of its is an IP address.
    pub(crate) fn has_ip(&self) -> bool {
        self.addresses.iter().any(|(_, address)| address.parse::<IpAddr>().is_ok())
    }

    /// Appends the node to a list; what a beginner should know, if it is the first one.
    pub(crate) fn write(&self, text: &mut String, is_explained: bool) {
        let comment = |text: &mut String, line: &str| {
            if is_explained {
                let _ = writeln!(text, "      # {line}");
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    - name: {}", scalar(&self.name));
        if let Some(count) = self.count {
            comment(
                text,
                "How many nodes are made of this one: {n} in names counts from 0, and addresses count with it.",
            );
            let _ = writeln!(text, "      count: {count}");
        }
        comment(text, "As in the Node's status: kubectl get node NAME --output=yaml.");
        let address = |(kind, address): &(String, String)| {
            format!("{{type: {kind}, address: {}}}", scalar(address))
        };
        let addresses: Vec<_> = self.addresses.iter().map(address).collect();
        let _ = writeln!(text, "      addresses: [{}]", addresses.join(", "));
        if let Some(ips) = &self.ips {
            ips.write(text, "ips");
        }
        for (name, value) in &self.fields {
            value.write(text, name);
        }
        comment(text, "What the whole node uses.");
        if let Some(usage) = &self.usage {
            usage.write(text, "usage");
        }
        if self.pods.is_empty() {
            return;
        }
        comment(text, "Pods, and what their containers use.");
        text.push_str("      pods:\n");
        for pod in &self.pods {
            let _ = writeln!(text, "        - {pod}");
        }
    }
}

/// A quantity: a number may stay bare.
pub(super) fn quantity(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        text.to_owned()
    } else {
        scalar(text)
    }
}

/// A text as a scalar of YAML, also within brackets.
pub(crate) fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    // What YAML takes for a number or for true is quoted.
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&&*text.to_ascii_lowercase());
    let is_ip = text.parse::<std::net::Ipv4Addr>().is_ok();
    if text.chars().all(is_plain) && (is_word || is_ip) {
        text.to_owned()
    } else if text.contains('"') && !text.chars().any(char::is_control) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        Value::from(text).to_string()
    }
}
