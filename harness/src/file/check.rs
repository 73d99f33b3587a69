//! Rules that a schema cannot express: names that must differ, objects that must exist, fields that
//! go together.

mod args;
mod cannot_fail;
mod dns;
mod existing_objects;
mod expectations;
mod known_cluster;
mod known_failures;
mod metrics;
mod node_names;
mod nodes;
mod server;
mod steps;

use std::path::Path;

use cluster_format::{Content, Mistake, YamlNode, suggest::quote};
use serde_json::Value;

use self::known_cluster::KnownCluster;
use super::format::{DnsChange, ExpectationFields, Spec};

pub(super) use self::cannot_fail::check_expects;

/// Checks the parts of a file in `folder` that the schema accepts. A value without a field that was
/// invalid is not reported again: that could mislead.
pub(super) fn check(root: &YamlNode, folder: &Path) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if let Some(name) = root.get("metadata").and_then(|metadata| metadata.get("name")) {
        mistakes.extend(scenario_name(name));
    }
    let Some(node) = root.get("spec") else { return mistakes };
    let mut json = node.to_json();
    if let Value::Object(fields) = &mut json {
        fields.entry("about").or_insert_with(|| "".into());
    }
    match serde_json::from_value::<Spec<ExpectationFields>>(json) {
        Ok(spec) => {
            let at = node.field("nodes");
            let names = nodes::check(&spec.nodes, at, folder, &mut mistakes);
            let dns = DnsChange {
                records: spec.dns.records.clone(),
                failures: spec.dns.failures.clone(),
                names: spec.dns.names.clone(),
                hosts: spec.dns.hosts.clone(),
                servers: spec.dns.servers.clone(),
            };
            dns::check(&dns, node.field("dns"), &mut mistakes);
            let servers = node.field("dns").field("servers");
            dns::check_forward(&spec.dns.servers, servers, &mut mistakes);
            let resolv_conf = node.field("server").field("resolvConf");
            server::check_resolv_conf(&spec.server.resolv_conf, resolv_conf, &mut mistakes);
            let known = (!at.broken).then_some(names).flatten();
            if known.is_some() && !node.field("steps").broken {
                existing_objects::check(
                    &spec.nodes,
                    &spec.steps,
                    node.field("steps"),
                    &mut mistakes,
                );
            }
            known_failures::check(&spec.known_failures, node.field("knownFailures"), &mut mistakes);
            args::check(&spec, node, &mut mistakes);
            let cluster = KnownCluster::new(&spec, node, known);
            steps::check(&spec.steps, node.field("steps"), &cluster, folder, &mut mistakes);
        }
        Err(error) => mistakes.push(Mistake::at(node.place(), error.to_string())),
    }
    mistakes
}

fn scenario_name(node: &YamlNode) -> Option<Mistake> {
    let Content::Text(name) = &node.content else { return None };
    let good = !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (!good).then(|| {
        Mistake::at(&node.location, format!("{} is not a scenario's name", quote(name)))
            .help("write lower-case letters, digits and dashes, with no dash at either end")
    })
}
