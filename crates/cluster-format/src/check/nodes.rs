//! Nodes and their pods.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
};

use super::{
    faults,
    names::{self, Rule, is_constant},
    numbers, usage,
};
use crate::{
    location::Location,
    mistake::Mistake,
    node::{Address, AddressType, Kubelet, Node},
    pod::{Container, Pod},
    suggest::quote,
    template::{POD_COUNTER, numbered},
    yaml_node::YamlNode,
};

/// What one file may make, so that a mistyped digit does not take all memory.
const MOST_NODES: u64 = 100_000;
const MOST_PODS: u64 = 1_000_000;

/// Checks all nodes, except where they listen. Returns their names, unless there are too many.
pub fn check(
    nodes: &[impl Borrow<Node>],
    at: &YamlNode,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
) -> Option<BTreeSet<String>> {
    for (index, node) in nodes.iter().enumerate() {
        let node: &Node = node.borrow();
        check_node(node, at.item(index), folder, mistakes);
    }
    if !is_within_limits(nodes, at, mistakes) {
        return None;
    }
    check_pod_names(nodes, at, mistakes);
    Some(check_node_names(nodes, at, mistakes))
}

/// Checks a node, whose files are relative to `folder`.
pub fn check_node(node: &Node, at: &YamlNode, folder: &Path, mistakes: &mut Vec<Mistake>) {
    let name = &at.field("name").location;
    names::check(&node.name, "node", Rule::Subdomain, node.count, name, mistakes);
    if node.count == Some(0) {
        mistakes.push(
            Mistake::at(&at.field("count").location, "a count of 0 makes no node")
                .help("write 1 or more, or leave the node out"),
        );
    }
    if node.count.is_some_and(|count| count > 1) && is_constant(&node.name) {
        let message = format!("all nodes of this template would be called {}", quote(&node.name));
        mistakes
            .push(Mistake::at(name, message).help("write {n} in the name, such as \"node-{n}\""));
    }
    check_addresses(&node.addresses, at.field("addresses"), mistakes);
    if let Some(allocatable) = node.allocatable {
        usage::check_amounts(allocatable, at.field("allocatable"), mistakes);
    }
    if let Some(used) = &node.usage {
        usage::check(used, at.field("usage"), folder, mistakes);
    }
    check_kubelet(&node.kubelet, at.field("kubelet"), folder, mistakes);
    for (index, pod) in node.pods.iter().enumerate() {
        check_pod(pod, node.count, at.field("pods").item(index), folder, mistakes);
    }
}

/// Addresses of a type that must be an IP address.
pub fn check_addresses(addresses: &[Address], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    for (index, address) in addresses.iter().enumerate() {
        let (kind, instead) = match address.kind {
            AddressType::InternalIp => ("InternalIP", "InternalDNS"),
            AddressType::ExternalIp => ("ExternalIP", "ExternalDNS"),
            _ => continue,
        };
        if address.address.parse::<IpAddr>().is_err() {
            let place = &at.item(index).field("address").location;
            let message = format!("{} is not an IP address", quote(&address.address));
            mistakes.push(Mistake::at(place, message).help(format!(
                "{kind} takes one such as 10.200.100.215 or fd00::215; for a name, use Hostname or {instead}"
            )));
        }
    }
}

fn check_kubelet(kubelet: &Kubelet, at: &YamlNode, folder: &Path, mistakes: &mut Vec<Mistake>) {
    numbers::check_port(kubelet.port, at, mistakes);
    faults::check(&kubelet.faults, at.field("faults"), mistakes);
    if let Some(replay) = &kubelet.replay {
        let place = &at.field("replay").location;
        let path = folder.join(replay);
        if !path.is_dir() {
            let message = format!("there is no folder {}", quote(&path.display().to_string()));
            mistakes.push(Mistake::at(place, message).help("write its path relative to the file"));
        } else if !["resource.1.prom", "summary.1.json"].iter().any(|it| path.join(it).is_file()) {
            let message =
                format!("{} holds neither resource.1.prom nor summary.1.json", quote(replay));
            mistakes.push(
                Mistake::at(place, message)
                    .help("record at least one /metrics/resource or /stats/summary there"),
            );
        }
    }
}

/// Checks a pod of a node with this `count`.
pub fn check_pod(
    pod: &Pod,
    count: Option<u32>,
    at: &YamlNode,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
) {
    let place = |field: &str| &at.field(field).location;
    let name =
        if pod.count.is_some() { pod.name.replace(POD_COUNTER, "0") } else { pod.name.clone() };
    names::check(&name, "pod", Rule::Subdomain, count, place("name"), mistakes);
    if pod.count == Some(0) {
        mistakes.push(
            Mistake::at(place("count"), "a count of 0 makes no pod")
                .help("write 1 or more, or leave the pod out"),
        );
    }
    if pod.count.is_some_and(|count| count > 1) && !pod.name.contains(POD_COUNTER) {
        let message = format!("all pods of this template would be called {}", quote(&pod.name));
        mistakes.push(
            Mistake::at(place("name"), message).help("write {p} in the name, such as \"web-{p}\""),
        );
    }
    if let Some(namespace) = &pod.namespace {
        names::check(namespace, "namespace", Rule::Label, count, place("namespace"), mistakes);
    }
    let mut seen: BTreeMap<&str, &Location> = BTreeMap::new();
    for (index, Container { name, usage: used, .. }) in pod.containers.iter().enumerate() {
        let at = at.field("containers").item(index);
        let place = &at.field("name").location;
        names::check(name, "container", Rule::Label, count, place, mistakes);
        usage::check(used, at.field("usage"), folder, mistakes);
        match seen.get(name.as_str()) {
            Some(first) => mistakes.push(duplicate("containers of one pod", name, place, first)),
            None => drop(seen.insert(name, place)),
        }
    }
}

/// Whether there are not too many nodes and pods.
fn is_within_limits(
    nodes: &[impl Borrow<Node>],
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) -> bool {
    let (mut all, mut pods) = (0, 0);
    for (index, node) in nodes.iter().enumerate() {
        let node: &Node = node.borrow();
        let count = u64::from(node.count.unwrap_or(1));
        all += count;
        pods += count * node.pods.iter().map(|pod| u64::from(pod.count.unwrap_or(1))).sum::<u64>();
        let (sum, most, what) = if all > MOST_NODES {
            (all, MOST_NODES, "nodes")
        } else if pods > MOST_PODS {
            (pods, MOST_PODS, "pods")
        } else {
            continue;
        };
        let place = at.item(index).field("count").location.clone();
        mistakes.push(
            Mistake::at(&place, format!("with this, the cluster has {sum} {what}"))
                .help(format!("write smaller counts: at most {most} {what} in all")),
        );
        return false;
    }
    true
}

fn check_node_names(
    nodes: &[impl Borrow<Node>],
    at: &YamlNode,
    mistakes: &mut Vec<Mistake>,
) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let node: &Node = node.borrow();
        for name in all_names(&node.name, node.count) {
            match seen.get(&name) {
                // That one template makes a name twice is reported with the template.
                Some(first) if *first == index => {}
                Some(first) => {
                    let place = |index| &at.item(index).field("name").location;
                    mistakes.push(duplicate("nodes", &name, place(index), place(*first)));
                    break;
                }
                None => drop(seen.insert(name, index)),
            }
        }
    }
    seen.into_keys().collect()
}

fn check_pod_names(nodes: &[impl Borrow<Node>], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let mut seen: BTreeMap<String, &Location> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let node: &Node = node.borrow();
        for (number, pod) in node.pods.iter().enumerate() {
            let place = &at.item(index).field("pods").item(number).field("name").location;
            let namespace = pod.namespace.as_deref().unwrap_or("default");
            let name = format!("{namespace}/{}", pod.name);
            if node.count.is_some_and(|count| count > 1) && is_constant(&name) {
                let message =
                    format!("every node of this template would have the pod {}", quote(&name));
                mistakes.push(
                    Mistake::at(place, message)
                        .help("write {n} in the pod's name, such as \"web-{n}\""),
                );
                continue;
            }
            let of_pod = (0..pod.count.unwrap_or(1)).map(|p| match pod.count {
                Some(_) => name.replace(POD_COUNTER, &p.to_string()),
                None => name.clone(),
            });
            for name in of_pod.flat_map(|name| all_names(&name, node.count).collect::<Vec<_>>()) {
                if let Some(first) = seen.get(&name) {
                    mistakes.push(duplicate("pods", &name, place, first));
                    break;
                }
                seen.insert(name, place);
            }
        }
    }
}

/// The names that a template makes of one.
pub fn all_names(name: &str, count: Option<u32>) -> impl Iterator<Item = String> {
    (0..count.unwrap_or(1)).map(move |number| numbered(name, count, number).into_owned())
}

fn duplicate(what: &str, name: &str, place: &Location, first: &Location) -> Mistake {
    Mistake::at(place, format!("two {what} are called {}", quote(name)))
        .related(first, "first here")
        .help("give each a name of its own")
}
