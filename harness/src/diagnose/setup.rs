//! What a cure can change about a cluster, as it is when the cure begins: the metrics server's flags
//! and role, CoreDNS's hosts, and how each kubelet is configured.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use cluster_format::{Address, Node};
use serde_json::{Map, Value, json};

use crate::file::{ScenarioFile, fits};

/// What a cure can change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) args: Vec<String>,
    /// Files for its flags that a cure adds.
    pub(super) files: BTreeMap<String, &'static str>,
    pub(super) role: Vec<Value>,
    /// CoreDNS's hosts plugin.
    pub(super) hosts: Value,
    pub(super) nodes: BTreeMap<String, NodeSetup>,
    pub(super) has_new_token: bool,
    pub(super) has_host_network: bool,
    pub(super) is_front_proxy_good: bool,
}

/// How a node's kubelet is configured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NodeSetup {
    pub(super) addresses: Vec<Address>,
    pub(super) certificate: Value,
    pub(super) x509: Value,
    pub(super) faults: Value,
}

// === impl Setup ===

impl Setup {
    /// That of a scenario after its first steps.
    pub(super) fn new(file: &ScenarioFile, steps: usize) -> Self {
        let (spec, document) = (&file.scenario.spec, file.document());
        let mut setup = Self {
            args: spec.server.args.clone(),
            files: BTreeMap::new(),
            role: rules(&document["spec"]["server"]["role"]).unwrap_or_else(manifest_role),
            hosts: document["spec"]["dns"]["hosts"].clone(),
            nodes: BTreeMap::new(),
            has_new_token: false,
            has_host_network: spec.server.host_network,
            is_front_proxy_good: false,
        };
        setup.add_nodes(&spec.nodes, &document["spec"]["nodes"]);
        for (index, step) in spec.steps.iter().enumerate().take(steps) {
            let Some(change) = &step.change else { continue };
            let raw = &document["spec"]["steps"][index]["change"];
            setup.add_nodes(&change.add, &raw["add"]);
            if let Some(args) = change.server.as_ref().and_then(|server| server.args.as_ref()) {
                setup.args.clone_from(args);
            }
            let host_network = change.server.as_ref().and_then(|server| server.host_network);
            setup.has_host_network = host_network.unwrap_or(setup.has_host_network);
            setup.role = rules(&raw["server"]["role"]).unwrap_or(setup.role);
            replace(&mut setup.hosts, &raw["dns"]["hosts"]);
            for (pattern, changed) in &change.nodes {
                let raw = &raw["nodes"][pattern];
                setup.nodes.retain(|name, _| !(changed.removed && fits(pattern, name)));
                for (_, node) in setup.nodes.iter_mut().filter(|(name, _)| fits(pattern, name)) {
                    if let Some(addresses) = &changed.addresses {
                        node.addresses.clone_from(addresses);
                    }
                    replace(&mut node.certificate, &raw["certificate"]);
                    replace(&mut node.x509, &raw["x509"]);
                    replace(&mut node.faults, &raw["faults"]);
                }
            }
        }
        setup
    }

    fn add_nodes(&mut self, nodes: &[Node], raw: &Value) {
        for (index, template) in nodes.iter().enumerate() {
            let kubelet = &raw[index]["kubelet"];
            for node in template.expand() {
                let setup = NodeSetup {
                    addresses: node.addresses,
                    certificate: kubelet["certificate"].clone(),
                    x509: kubelet["x509"].clone(),
                    faults: kubelet["faults"].clone(),
                };
                self.nodes.insert(node.name, setup);
            }
        }
    }

    /// The change of a step that makes this setup the other one.
    pub(super) fn change_to(&self, to: &Self) -> Value {
        let mut server = Map::new();
        if self.args != to.args || self.files != to.files {
            server.insert("args".to_owned(), json!(to.args));
        }
        if !to.files.is_empty() {
            server.insert("files".to_owned(), json!(to.files));
        }
        if self.role != to.role {
            server.insert("role".to_owned(), json!(to.role));
        }
        if self.has_host_network != to.has_host_network {
            server.insert("hostNetwork".to_owned(), json!(to.has_host_network));
        }
        if to.has_new_token {
            server.insert("token".to_owned(), json!("Rotated"));
        }
        let mut change = Map::new();
        if self.hosts != to.hosts {
            change.insert("dns".to_owned(), json!({"hosts": to.hosts}));
        }
        let mut nodes: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, node) in &to.nodes {
            let changed = self.nodes.get(name).map(|from| from.change_to(node));
            if let Some(changed) = changed.filter(|changed| changed != &json!({})) {
                nodes.insert(name, changed);
            }
        }
        let kinds: BTreeSet<_> = nodes.values().map(Value::to_string).collect();
        if nodes.len() > 1
            && nodes.len() == to.nodes.len()
            && kinds.len() == 1
            && let Some(one) = nodes.values().next()
        {
            change.insert("nodes".to_owned(), json!({"*": one}));
        } else if !nodes.is_empty() {
            change.insert("nodes".to_owned(), json!(nodes));
        }
        if to.is_front_proxy_good {
            change.insert("frontProxy".to_owned(), json!("Good"));
        }
        if !server.is_empty() {
            change.insert("server".to_owned(), server.into());
        }
        change.into()
    }
}

// === impl NodeSetup ===

impl NodeSetup {
    /// Its IP address for CoreDNS: the internal one, else any.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        let of = |kind: &str| {
            let mut addresses = self.addresses.iter();
            addresses.find(|address| address.kind.as_str() == kind)?.address.parse().ok()
        };
        of("InternalIP").or_else(|| of("ExternalIP"))
    }

    fn change_to(&self, to: &Self) -> Value {
        let mut change = Map::new();
        for (field, from, to) in [
            ("certificate", &self.certificate, &to.certificate),
            ("x509", &self.x509, &to.x509),
            ("faults", &self.faults, &to.faults),
        ] {
            if from != to {
                change.insert(field.to_owned(), to.clone());
            }
        }
        change.into()
    }
}

fn replace(value: &mut Value, with: &Value) {
    if !with.is_null() {
        *value = with.clone();
    }
}

fn rules(role: &Value) -> Option<Vec<Value>> {
    role.as_array().cloned()
}

/// The rules of the Go server's manifests, which a scenario without any has.
fn manifest_role() -> Vec<Value> {
    vec![
        json!({"resources": ["nodes/metrics"], "verbs": ["get"]}),
        json!({"resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}),
    ]
}
