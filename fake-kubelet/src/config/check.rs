//! Mistakes in the nodes of a file: those that scenarios can have too, and addresses and ports of the
//! machine.

mod objects;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use cluster_format::{
    Mistake, YamlNode,
    check::{check_listeners, check_nodes},
    numbered,
    suggest::quote,
};

use super::{ClusterConfig, node::FleetNode};
use crate::spec::Sources;

/// Checks all nodes. Templates are checked without expanding them: of their nodes only names and
/// addresses differ.
pub(super) fn check(
    nodes: &[FleetNode],
    at: &YamlNode,
    sources: Sources<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let within_limits = check_nodes(nodes, at, sources.folder, mistakes).is_some();
    let without_listen: Vec<_> = nodes.iter().map(|node| node.host.listen.is_none()).collect();
    if without_listen.iter().all(|it| *it) {
        check_listeners(nodes, at, mistakes);
    }
    let ranges =
        nodes.iter().enumerate().filter_map(|(index, node)| node.check_range(at.item(index)));
    let before = mistakes.len();
    mistakes.extend(ranges);
    for (index, node) in nodes.iter().enumerate() {
        let at = at.item(index);
        let name = &at.field("name").location;
        if node.listen().is_empty() && !at.broken {
            mistakes.push(
                Mistake::at(name, format!("node {} listens nowhere", quote(&node.node.name)))
                    .help("add \"listen\", such as [\"127.0.0.1:10250\"], or \"addresses\""),
            );
        }
        objects::check_node(node, at, mistakes);
        // What is wrong with one node of a template is wrong with its first.
        let first = node.expand().next();
        if let Some(Err(error)) = first.filter(|_| !at.broken).map(|node| node.spec(sources)) {
            mistakes.push(Mistake::at(name, error.to_string()));
        }
    }
    if within_limits && mistakes.len() == before {
        check_sockets(nodes, at, mistakes);
    }
}

/// Checks how the nodes are kept in a cluster.
pub(super) fn check_cluster(cluster: &ClusterConfig, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    objects::check_owner(cluster.owner(), at.field("owner"), mistakes);
    if cluster.heartbeat().is_zero() {
        mistakes.push(
            Mistake::at(&at.field("heartbeat").location, "a heartbeat of 0s has no pause")
                .help("write 1s or more; a real kubelet has 10s"),
        );
    }
}

/// Reports sockets on which a second kubelet would listen.
fn check_sockets(nodes: &[FleetNode], at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let mut seen: BTreeMap<SocketAddr, (usize, u32, usize)> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let listen = node.host.listen.iter().flatten().enumerate();
        for (entry, first) in listen.filter(|(_, first)| first.0.port() != 0) {
            for number in 0..node.node.count.unwrap_or(1) {
                let address = node.raised(first.0, number);
                let location = |index, entry| &at.item(index).field("listen").item(entry).location;
                let Some(other) = seen.insert(address, (index, number, entry)) else { continue };
                let other_node = &nodes[other.0].node;
                let name = numbered(&other_node.name, other_node.count, other.1);
                mistakes.push(
                    Mistake::at(
                        location(index, entry),
                        format!("two kubelets would listen on {address}"),
                    )
                    .related(location(other.0, other.2), format!("as node {} does", quote(&name)))
                    .help("give each kubelet an address or a port of its own"),
                );
                break;
            }
        }
    }
}

// === impl FleetNode ===

impl FleetNode {
    /// Whether there is a port, or an address, for each node of a template.
    fn check_range(&self, at: &YamlNode) -> Option<Mistake> {
        let last = self.node.count.unwrap_or(1).saturating_sub(1);
        self.host.listen.iter().flatten().enumerate().find_map(|(entry, listen)| {
            let (first, free, what, other) = match (self.raises_ports(), listen.0.ip()) {
                (true, _) if listen.0.port() == 0 => return None,
                (true, _) => {
                    let port = listen.0.port();
                    (port.to_string(), u32::from(u16::MAX - port), "ports", "Address")
                }
                (false, IpAddr::V4(ip)) => {
                    (ip.to_string(), u32::MAX - u32::from(ip), "addresses", "Port")
                }
                (false, IpAddr::V6(_)) => return None,
            };
            let message =
                format!("there are {what} for {} of {} nodes from {first} on", free + 1, last + 1);
            let location = &at.field("listen").item(entry).location;
            (last > free).then(|| {
                Mistake::at(location, message)
                    .help(format!("begin lower, or write \"raise: {other}\""))
            })
        })
    }
}
