//! Expectations that hold whatever the metrics server does, and steps that expect nothing: they
//! would pass for a server that does nothing right.

use std::collections::BTreeMap;

use cluster_format::{Content, Mistake, YamlNode, suggest::quote};
use k8s_text::quantity::Quantity;
use serde_json::Value;

use super::{
    super::format::{ApiSaw, DnsSaw, ExpectationFields, KubeletSaw},
    known_cluster::{KnownCluster, canonical},
    metrics,
};

/// The fields of an expectation that are texts or lists of texts that must be seen.
const TEXTS: [&str; 9] =
    ["log", "logs", "noLog", "refused", "table", "error", "text", "absent", "headers"];

/// The methods of HTTP that clients of an API server use.
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];

/// Checks one expectation against what the cluster has.
pub(super) fn check(
    expectation: &ExpectationFields,
    at: &YamlNode,
    cluster: &KnownCluster<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    for field in TEXTS {
        if let Some(node) = at.get(field) {
            check_text(field, node, mistakes);
        }
    }
    if let Some(node) = at.get("body").filter(|_| !at.broken)
        && matches!(&node.content, Content::Map(fields) if fields.is_empty())
    {
        mistakes.push(
            Mistake::at(node.place(), "every object has what an empty \"body\" names")
                .help("write the fields that matter, or leave it out"),
        );
    }
    if expectation.within.is_some_and(|share| share.0.0 >= 1.0) {
        mistakes.push(
            Mistake::at(&at.field("within").location, "so far from the expected values, 0 is near")
                .help("write less than 100%, such as 2%"),
        );
    }
    check_unknown_node(expectation, at, cluster, mistakes);
    metrics::check(expectation, at, mistakes);
    if let Some(saw) = &expectation.kubelet {
        check_kubelet(saw, at.field("kubelet"), cluster, mistakes);
    }
    if let Some(saw) = &expectation.dns {
        check_dns(saw, at.field("dns"), cluster, mistakes);
    }
    if let Some(saw) = &expectation.api {
        check_api(saw, at.field("api"), mistakes);
    }
}

/// Reports expectations of one step that are the same as one before.
pub(super) fn check_twice(expectations: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let Content::List(items) = &expectations.content else { return };
    let mut seen: BTreeMap<String, &YamlNode> = BTreeMap::new();
    for item in items.iter().filter(|item| !item.broken) {
        match seen.get(&comparable(item.to_json()).to_string()) {
            Some(first) => mistakes.push(
                Mistake::at(item.place(), "the same expectation twice in one step")
                    .related(first.place(), "first here")
                    .help("leave one out"),
            ),
            None => drop(seen.insert(comparable(item.to_json()).to_string(), item)),
        }
    }
}

/// Reports steps without expectations, and scenarios without steps.
pub(in crate::file) fn check_expects(root: &YamlNode) -> Vec<Mistake> {
    let Some(spec) = root.get("spec") else { return Vec::new() };
    let steps = match spec.get("steps").map(|steps| &steps.content) {
        Some(Content::List(steps)) => steps.as_slice(),
        _ => &[],
    };
    if steps.is_empty() && !spec.broken {
        let help = "add \"steps\" with \"expect\"; \"scenario up\" needs none";
        return vec![Mistake::at(spec.place(), "the scenario expects nothing").help(help)];
    }
    let expects_nothing = |step: &&YamlNode| match step.get("expect").map(|it| &it.content) {
        None => !step.broken,
        Some(Content::List(items)) => items.is_empty() && !step.broken,
        _ => false,
    };
    let help = "add \"expect\", or let the next step do what this one does";
    let mistake = |step: &YamlNode| {
        Mistake::at(&step.field("name").location, "the step expects nothing").help(help)
    };
    steps.iter().filter(expects_nothing).map(mistake).collect()
}

/// A value in which equal quantities are equal texts.
fn comparable(value: Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<Quantity>() {
            Ok(quantity) => Value::String(format!("{}n", quantity.nanos())),
            Err(_) => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, comparable(value))).collect()
        }
        other => other,
    }
}

fn check_text(field: &str, node: &YamlNode, mistakes: &mut Vec<Mistake>) {
    match &node.content {
        Content::List(items) if items.is_empty() && !node.broken => mistakes.push(
            Mistake::at(node.place(), format!("{} without anything in it", quote(field)))
                .help("write what must be seen, or leave it out"),
        ),
        Content::Map(fields) if fields.is_empty() && !node.broken => mistakes.push(
            Mistake::at(node.place(), format!("{} without anything in it", quote(field)))
                .help("write what must be seen, or leave it out"),
        ),
        Content::List(items) => items.iter().for_each(|item| check_text(field, item, mistakes)),
        Content::Text(text) if field == "absent" && text.split('.').any(str::is_empty) => {
            mistakes.push(
                Mistake::at(&node.location, format!("{} leads nowhere", quote(text)))
                    .help("write names joined by dots, such as items.*.metadata.labels"),
            );
        }
        Content::Text(text) if text.trim_matches(['…', ' ', '\n']).is_empty() => mistakes.push(
            Mistake::at(&node.location, format!("any text will do for this {}", quote(field)))
                .help("write the part of the text that matters"),
        ),
        _ => {}
    }
}

/// A node that never exists is never found: nothing else is expected of the answer.
fn check_unknown_node(
    expectation: &ExpectationFields,
    at: &YamlNode,
    cluster: &KnownCluster<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let more = ["headers", "body", "exact", "text"];
    if expectation.status != Some(404) || more.iter().any(|field| at.get(field).is_some()) {
        return;
    }
    let name = expectation.get.as_deref().and_then(|path| {
        let rest = path.strip_prefix("/apis/metrics.k8s.io/")?;
        rest.split_once("/nodes/").map(|(_, name)| name)
    });
    if let (Some(name), Some(nodes)) = (name, &cluster.nodes)
        && !nodes.contains(name)
    {
        let message = format!("there is never a node {}, so it is never found", quote(name));
        mistakes.push(
            Mistake::at(&at.field("get").location, message)
                .help("name one of \"nodes\", or expect the error's text too, with \"body\""),
        );
    }
}

fn check_kubelet(
    saw: &KubeletSaw,
    at: &YamlNode,
    cluster: &KnownCluster<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    if let Some(address) = saw.address.filter(|address| cluster.lacks_address(address.0)) {
        mistakes.push(
            Mistake::at(
                &at.field("address").location,
                format!("no node ever has the address {}", address.0),
            )
            .help("write one of a node's \"addresses\" or \"ips\""),
        );
    }
    if let Some(path) = saw.path.as_ref().filter(|_| saw.requests == Some(0)) {
        let page = path.split('?').next().unwrap_or_default();
        if cluster.lacks_kubelet_path(page) {
            mistakes.push(
                Mistake::at(
                    &at.field("path").location,
                    format!("no kubelet has the path {}", quote(path)),
                )
                .help("write one such as /metrics/resource or /stats/summary"),
            );
        }
    }
}

fn check_dns(saw: &DnsSaw, at: &YamlNode, cluster: &KnownCluster<'_>, mistakes: &mut Vec<Mistake>) {
    if let (Some(server), Some(servers)) = (saw.server, &cluster.name_servers)
        && !servers.contains(&server.0)
    {
        mistakes.push(
            Mistake::at(
                &at.field("server").location,
                format!("no name server has the address {}", server.0),
            )
            .help("write one of \"dns\""),
        );
    }
    let expects_none = saw.questions == Some(0) || saw.kinds.as_ref().is_some_and(Vec::is_empty);
    if expects_none && cluster.lacks_name(&canonical(&saw.name)) {
        let message = format!("no lookup asks for {}: nothing has this name", quote(&saw.name));
        mistakes.push(
            Mistake::at(&at.field("name").location, message)
                .help("write a node's host name, or a name of \"dns\" or \"server.hosts\""),
        );
    }
}

/// A request that no API server knows is never sent.
fn check_api(saw: &ApiSaw, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let Some((method, target)) = saw.request.split_once(' ') else { return };
    if saw.requests != Some(0) || method.contains('…') {
        return;
    }
    let path = target.split(['?', '…']).next().unwrap_or_default();
    // What follows `…` may belong to the path.
    let is_whole = !target.strip_prefix(path).is_some_and(|rest| rest.starts_with('…'));
    if !METHODS.contains(&method) || !fake_apiserver::serves(path, is_whole) {
        let message =
            format!("the API server has no {}, so no client sends it", quote(&saw.request));
        mistakes.push(
            Mistake::at(&at.field("request").location, message)
                .help("write one such as \"GET /api/v1/nodes…\""),
        );
    }
}
