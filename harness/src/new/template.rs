//! The text of a scenario, with its comments.

use std::{collections::BTreeMap, fmt::Write, path::Path};

/// Nodes up to this many are written one by one; more are a template.
const ONE_BY_ONE: u32 = 20;

/// A node to write.
#[derive(Clone, Debug, Default)]
pub(super) struct MadeNode {
    pub(super) name: String,
    /// How many there are of it.
    pub(super) count: Option<u32>,
    /// Types and addresses.
    pub(super) addresses: Vec<(String, String)>,
    /// The machine's IP address, where its addresses have none.
    pub(super) ip: Option<String>,
    /// Further fields and their values in YAML's flow style.
    pub(super) fields: Vec<(&'static str, String)>,
}

// === impl MadeNode ===

impl MadeNode {
    /// `count` nodes with addresses in 10.0.0.0/8.
    pub(super) fn numbered(count: u32) -> Vec<Self> {
        let made = |name: String, n: u32| {
            let [_, b, c, d] = n.to_be_bytes();
            let addresses = vec![
                ("Hostname".to_owned(), name.clone()),
                ("InternalIP".to_owned(), format!("10.{b}.{c}.{d}")),
            ];
            Self { name, addresses, ..Self::default() }
        };
        if count <= ONE_BY_ONE {
            return (1..=count).map(|n| made(format!("node-{n}"), n)).collect();
        }
        vec![Self { count: Some(count), ..made("node-{n}".to_owned(), 1) }]
    }

    fn write(&self, text: &mut String, is_first: bool) {
        let comment = |text: &mut String, line: &str| {
            if is_first {
                let _ = writeln!(text, "      # {line}");
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    - name: {}", scalar(&self.name));
        if let Some(count) = self.count {
            comment(
                text,
                "So many nodes are made of this one: {n} counts from 0, and the addresses with it.",
            );
            let _ = writeln!(text, "      count: {count}");
        }
        comment(text, "As in the Node's status: kubectl get node NAME --output=yaml.");
        let address = |(kind, address): &(String, String)| {
            format!("{{type: {kind}, address: {}}}", scalar(address))
        };
        let addresses: Vec<_> = self.addresses.iter().map(address).collect();
        let _ = writeln!(text, "      addresses: [{}]", addresses.join(", "));
        if let Some(ip) = &self.ip {
            let _ =
                writeln!(text, "      # Its machine's own address, which only DNS knows (below).");
            let _ = writeln!(text, "      ips: [{ip}]");
        }
        for (name, value) in &self.fields {
            let _ = writeln!(text, "      {name}: {value}");
        }
        comment(text, "What the whole node uses.");
        let _ = writeln!(text, "      usage: {{cpu: 250m, memory: 256Mi}}");
        if is_first {
            comment(text, "Pods, and what their containers use.");
            let pod = if self.count.is_some() { "web-{n}" } else { "web" };
            let _ = writeln!(
                text,
                "      pods:\n        - {{name: {}, containers: [{{name: main, usage: {{cpu: 100m, memory: 64Mi}}}}]}}",
                scalar(pod)
            );
            comment(text, "What its kubelet does wrong: add it here, or in a step below.");
            comment(text, "kubelet: {faults: {refuse: true}}");
        }
    }
}

/// The scenario `name`, to be written to `path`.
pub(super) fn scenario(
    name: &str,
    path: &Path,
    schema: Option<&str>,
    nodes: &[MadeNode],
) -> String {
    let count: u32 = nodes.iter().map(|node| node.count.unwrap_or(1)).sum();
    let plural = if count == 1 { "" } else { "s" };
    let mut text = head(path, schema);
    let _ = write!(
        text,
        "apiVersion: harness/v1alpha1
kind: Scenario
metadata:
  # As the file is called.
  name: {name}
spec:
  # Why this matters, in a sentence or two.
  about: What a metrics server makes of {count} node{plural}, and of a kubelet that stops.
  # Each node has a fake kubelet, which responds as a real one.
  nodes:
"
    );
    for (index, node) in nodes.iter().enumerate() {
        node.write(&mut text, index == 0);
    }
    let records: Vec<_> = nodes.iter().flat_map(records).collect();
    if records.is_empty() {
        text += "  # The cluster's DNS knows only what stands here, and no names of nodes. Names that fail:
  # dns: {records: {node-1: 10.0.0.1}, failures: {node-2: ServerFailure}}
";
    } else {
        let _ = writeln!(text, "  # Names that the cluster's DNS knows.\n  dns:\n    records:");
        for (name, ip) in records {
            let _ = writeln!(text, "      {}: {ip}", scalar(name));
        }
    }
    let each = |node: &MadeNode| node.count.unwrap_or(1);
    let scraped: u32 = nodes.iter().filter(|node| !node.addresses.is_empty()).map(each).sum();
    let _ = write!(
        text,
        "  # The metrics server's flags, as in its Deployment. Without --kubelet-insecure-tls the
  # kubelets' certificates must be signed by the cluster (kubelet: {{certificate: ClusterCA}}).
  server:
    args:
      - --kubelet-insecure-tls
      - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname,InternalDNS,ExternalDNS
      - --kubelet-use-node-status-port
      - --metric-resolution=15s
  # What happens, and what must be seen then. An expectation that does not hold is shown as a
  # difference, with what happened before.
  steps:
    - name: all nodes have usage
      # Usage is the difference of two samples, so there is some after two scrapes.
      wait: {{cycles: 2}}
      expect:
        - get: /apis/metrics.k8s.io/v1beta1/nodes
          items: {scraped}
"
    );
    // The log says nothing of a node that is not ready.
    let is_loud = |node: &&MadeNode| {
        !node.addresses.is_empty() && node.fields.iter().all(|(field, _)| *field != "ready")
    };
    let Some(node) = nodes.iter().find(is_loud) else { return text };
    let (node, left) = (scalar(&node.name.replace("{n}", "0")), scraped - 1);
    let _ = write!(
        text,
        "    # Now break something: a change, and what users and the server's log say of it.
    - name: a kubelet stops
      change: {{nodes: {{{node}: {{faults: {{refuse: true}}}}}}}}
      wait: {{cycles: 2}}
      expect:
        - log: 'connect: connection refused'
        - get: /apis/metrics.k8s.io/v1beta1/nodes
          items: {left}
    # And cure it.
    - name: it starts again
      change: {{nodes: {{{node}: {{faults: {{}}}}}}}}
      wait: {{cycles: 2}}
      expect:
        - get: /apis/metrics.k8s.io/v1beta1/nodes
          items: {scraped}
"
    );
    text
}

/// What comes before a scenario: the schema for editors, and what to do with it.
pub(super) fn head(path: &Path, schema: Option<&str>) -> String {
    let path = path.display();
    let schema = match schema {
        Some(schema) => format!("# yaml-language-server: $schema={schema}\n"),
        None => "# Editors complete and explain every field with the schema: scenario schema > schema.json, and then\n# yaml-language-server: $schema=schema.json\n".to_owned(),
    };
    format!(
        "{schema}# A Kubernetes cluster in a file: its nodes, what goes wrong, and what must be seen.
#   scenario check {path}             finds mistakes
#   scenario run --timeline {path}    runs it, in milliseconds
# docs/scenarios.md has every field.
"
    )
}

/// The DNS records of a node that has no IP address in its status.
fn records(node: &MadeNode) -> BTreeMap<&str, &str> {
    let ip = node.ip.as_deref().into_iter();
    ip.flat_map(|ip| node.addresses.iter().map(move |(_, name)| (name.as_str(), ip))).collect()
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
    } else {
        serde_json::Value::from(text).to_string()
    }
}
