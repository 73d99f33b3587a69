//! What is wrong between the nodes of a file: names, pods and addresses that are there twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use super::{
    ConfigMistake,
    node::{NodeConfig, Raise},
    placed::Place,
};

/// What was seen of the nodes before: a fleet has hundreds of thousands of pods.
#[derive(Default)]
struct Seen {
    /// How many there were before each.
    nodes: BTreeMap<String, usize>,
    /// Their names, how many nodes there were before theirs, and their places.
    pods: BTreeMap<String, (usize, Place)>,
    addresses: BTreeMap<SocketAddr, usize>,
}

/// The first mistake there is.
pub(super) fn check(nodes: &[NodeConfig]) -> Result<(), ConfigMistake> {
    let mut seen = Seen::default();
    for template in nodes {
        template.check_ports()?;
        for node in template.unfold() {
            seen.add(&node, template.count.is_some_and(|count| count > 1))?;
        }
    }
    Ok(())
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, node: &NodeConfig, of_template: bool) -> Result<(), ConfigMistake> {
        let (name, index) = (node.name.as_str(), self.nodes.len());
        if self.nodes.insert(name.to_owned(), index).is_some() {
            let message = format!(
                "node {name:?} is there twice: each needs a name of its own, such as \"fake-{{n}}\""
            );
            return Err(ConfigMistake { place: node.name.place, message });
        }
        for listen in node.listen.iter().filter(|listen| listen.port() != 0) {
            if let Some(other) = self.addresses.insert(**listen, index) {
                let message = format!(
                    "node {name:?} listens on {}, as node {:?} does: each kubelet needs an address or a port of its own",
                    **listen,
                    self.name_of(other)
                );
                return Err(ConfigMistake { place: listen.place, message });
            }
        }
        for pod in &node.pods {
            let full = format!("{}/{}", pod.namespace(), *pod.name);
            let place = pod.name.place;
            let mut containers = BTreeSet::new();
            for container in &pod.containers {
                if !containers.insert(&*container.name) {
                    let message = format!(
                        "pod {full:?} has two containers {:?}: each needs a name of its own",
                        *container.name
                    );
                    return Err(ConfigMistake { place: container.name.place, message });
                }
            }
            let Some((other, first)) = self.pods.get(&full).copied() else {
                self.pods.insert(full, (index, place));
                continue;
            };
            let cure = if of_template && first == place {
                "write {n} in its name, such as \"web-{n}\""
            } else {
                "give each a name of its own"
            };
            let message = format!(
                "pod {full:?} is there twice, on the nodes {:?} (line {}) and {name:?}: {cure}. A kubelet that is to report another node's pod does so with `replay`",
                self.name_of(other),
                first.line
            );
            return Err(ConfigMistake { place, message });
        }
        Ok(())
    }

    fn name_of(&self, index: usize) -> &str {
        let found = self.nodes.iter().find(|(_, before)| **before == index);
        found.map_or("", |(name, _)| name)
    }
}

// === impl NodeConfig ===

impl NodeConfig {
    /// Whether there is a port for each node of a template.
    fn check_ports(&self) -> Result<(), ConfigMistake> {
        let last = self.count.unwrap_or(1).saturating_sub(1);
        let raised = self.listen.iter().filter(|at| self.raise == Raise::Port && at.port() != 0);
        for listen in raised {
            let room = u32::from(u16::MAX - listen.port());
            if last > room {
                let message = format!(
                    "there are ports for {} of {} nodes from {} on: begin lower, or write `raise: Address`",
                    room + 1,
                    last + 1,
                    listen.port()
                );
                return Err(ConfigMistake { place: listen.place, message });
            }
        }
        Ok(())
    }
}
