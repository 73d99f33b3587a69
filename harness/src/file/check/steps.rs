//! Steps: what changes, how long to wait, what to expect.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cluster_format::{
    Location, Mistake, YamlNode,
    check::{check_addresses, check_faults, check_pod, check_port, check_usage, zero},
    suggest::{list, quote},
};

use super::{
    super::format::{Change, ExpectationFields, Step, Wait},
    cannot_fail, dns, expectations,
    known_cluster::KnownCluster,
    node_names::check_node_exists,
    nodes, server,
};

/// Checks all steps.
pub(super) fn check(
    steps: &[Step<ExpectationFields>],
    at: &YamlNode,
    cluster: &KnownCluster<'_>,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
) {
    let mut seen: BTreeMap<&str, &Location> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let at = at.item(index);
        let place = &at.field("name").location;
        match seen.get(step.name.as_str()) {
            Some(first) => mistakes.push(
                Mistake::at(place, format!("two steps are called {}", quote(&step.name)))
                    .related(first, "first here")
                    .help("give each a name of its own: reports go by it"),
            ),
            None => drop(seen.insert(&step.name, place)),
        }
        if step.name.trim().is_empty() {
            mistakes.push(
                Mistake::at(place, "a step without a name").help("say in a few words what happens"),
            );
        }
        if let Some(change) = &step.change {
            let at = at.field("change");
            check_change(change, at, cluster.nodes.as_ref(), folder, mistakes);
            if let (Some(dns), Some(servers)) = (&change.dns, &cluster.name_servers) {
                dns::check_known(dns, servers, at.field("dns"), mistakes);
            }
        }
        if let Some(wait) = &step.wait {
            check_wait(wait, at.field("wait"), mistakes);
        }
        for (number, expectation) in step.expect.iter().enumerate() {
            expectations::check(expectation, at.field("expect").item(number), cluster, mistakes);
        }
        cannot_fail::check_twice(at.field("expect"), mistakes);
    }
}

fn check_change(
    change: &Change,
    at: &YamlNode,
    nodes: Option<&BTreeSet<String>>,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
) {
    if let Some(changed) = &change.dns {
        dns::check(changed, at.field("dns"), mistakes);
    }
    if let Some(said) = change.server.as_ref().and_then(|server| server.resolv_conf.as_ref()) {
        server::check_resolv_conf(said, at.field("server").field("resolvConf"), mistakes);
    }
    if let Some(faults) = &change.api_server_faults {
        server::check_api_server(faults, at.field("apiServerFaults"), mistakes);
    }
    for (index, node) in change.add.iter().enumerate() {
        nodes::check_node(node, at.field("add").item(index), folder, mistakes);
    }
    for (name, change) in &change.nodes {
        let at = at.field("nodes").field(name);
        check_node_exists(name, at.key_place(), nodes, mistakes);
        check_addresses(
            change.addresses.as_deref().unwrap_or_default(),
            at.field("addresses"),
            mistakes,
        );
        check_port(change.port, at, mistakes);
        if let Some(changed) = &change.usage {
            check_usage(changed, at.field("usage"), folder, mistakes);
        }
        for (path, used) in &change.containers {
            let at = at.field("containers").field(path);
            check_usage(used, at, folder, mistakes);
            if path.split('/').count() != 3 {
                mistakes.push(
                    Mistake::at(at.key_place(), format!("{} is not a container", quote(path)))
                        .help("write namespace/pod/container"),
                );
            }
        }
        for (index, pod) in change.add_pods.iter().enumerate() {
            check_pod(pod, None, at.field("addPods").item(index), folder, mistakes);
        }
        if let Some(faults) = &change.faults {
            check_faults(faults, at.field("faults"), mistakes);
        }
    }
}

fn check_wait(wait: &Wait, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if !at.broken {
        let given = ["cycles", "for", "upTo"].iter().copied().filter(|name| at.get(name).is_some());
        let given: Vec<&str> = given.collect();
        let help = "write one of \"cycles\", \"for\" and \"upTo\"";
        match given.len() {
            0 => mistakes.push(Mistake::at(at.place(), "a wait for nothing").help(help)),
            1 => {}
            _ => mistakes.push(
                Mistake::at(at.place(), format!("a wait with {}", list(given, "and"))).help(help),
            ),
        }
    }
    let zeros = [
        ("cycles", wait.cycles == Some(0), "2"),
        ("upTo", wait.up_to.is_some_and(|limit| limit.0.is_zero()), "30s"),
    ];
    for (name, _, example) in zeros.iter().filter(|(_, is_zero, _)| *is_zero) {
        let help = format!("write more, such as {example}, or leave \"wait\" out");
        mistakes.push(zero(name, help, at));
    }
}
