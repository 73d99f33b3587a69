//! What is wrong between the nodes of a file: names, pods and addresses that are there twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use super::{
    ConfigMistake,
    node::{NodeConfig, Raise, numbered},
    placed::Place,
};
use crate::faults::Faults;

/// More than one process has file descriptors for.
const MOST_NODES: u64 = 100_000;

/// What was seen of the nodes before: a fleet has hundreds of thousands of pods.
#[derive(Default)]
struct Seen {
    /// How many there were before each.
    nodes: BTreeMap<String, usize>,
    /// Their names, how many nodes there were before theirs, and their places.
    pods: BTreeMap<String, (usize, Place)>,
    addresses: BTreeMap<SocketAddr, usize>,
}

/// The first mistake there is. Templates are not unfolded for it: of their nodes only names and
/// addresses differ.
pub(super) fn check(nodes: &[NodeConfig]) -> Result<(), ConfigMistake> {
    let mut seen = Seen::default();
    let mut all = 0;
    for template in nodes {
        all += u64::from(template.count().unwrap_or(1));
        template.check_count(all)?;
        template.check_room()?;
        template.check_containers()?;
        template.check_faults()?;
        for number in template.numbers() {
            seen.add(template, number)?;
        }
    }
    Ok(())
}

// === impl Seen ===

impl Seen {
    /// Adds the node of a template with this number.
    fn add(&mut self, template: &NodeConfig, number: Option<u32>) -> Result<(), ConfigMistake> {
        let (name, index) = (numbered(&template.name, number), self.nodes.len());
        if self.nodes.insert(name.clone(), index).is_some() {
            let message = format!(
                "node {name:?} is there twice: each needs a name of its own, such as \"fake-{{n}}\""
            );
            return Err(ConfigMistake { place: template.name.place, message });
        }
        for listen in &template.listen {
            let address = template.listens_at(**listen, number);
            if address.port() == 0 {
                continue;
            }
            if let Some(other) = self.addresses.insert(address, index) {
                let message = format!(
                    "node {name:?} listens on {address}, as node {:?} does: each kubelet needs an address or a port of its own",
                    self.name_of(other)
                );
                return Err(ConfigMistake { place: listen.place, message });
            }
        }
        for pod in &template.pods {
            let full = numbered(&format!("{}/{}", pod.namespace(), *pod.name), number);
            let place = pod.name.place;
            let Some((other, first)) = self.pods.get(&full).copied() else {
                self.pods.insert(full, (index, place));
                continue;
            };
            let of_template = template.count().is_some_and(|count| count > 1);
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
    /// Whether it makes nodes, and with those before it not too many.
    fn check_count(&self, all: u64) -> Result<(), ConfigMistake> {
        let message = match self.count() {
            Some(0) => "a count of 0 makes no node: write at least 1".to_owned(),
            _ if all > MOST_NODES => format!(
                "with this there are {all} nodes: write a smaller count, at most {MOST_NODES} in all"
            ),
            _ => return Ok(()),
        };
        let place = self.count.as_ref().map_or(self.name.place, |count| count.place);
        Err(ConfigMistake { place, message })
    }

    /// Whether there is a port, or an address, for each node of a template.
    fn check_room(&self) -> Result<(), ConfigMistake> {
        let last = self.count().unwrap_or(1).saturating_sub(1);
        for listen in &self.listen {
            let (first, room, what, other) = match (self.raise, listen.ip()) {
                (Raise::Port, _) if listen.port() == 0 => continue,
                (Raise::Port, _) => {
                    let port = listen.port();
                    (port.to_string(), u32::from(u16::MAX - port), "ports", "Address")
                }
                (Raise::Address, IpAddr::V4(ip)) => {
                    (ip.to_string(), u32::MAX - u32::from(ip), "addresses", "Port")
                }
                (Raise::Address, IpAddr::V6(_)) => continue,
            };
            if last > room {
                let message = format!(
                    "there are {what} for {} of {} nodes from {first} on: begin lower, or write `raise: {other}`",
                    room + 1,
                    last + 1
                );
                return Err(ConfigMistake { place: listen.place, message });
            }
        }
        Ok(())
    }

    /// Whether each pod's containers have names of their own.
    fn check_containers(&self) -> Result<(), ConfigMistake> {
        for pod in &self.pods {
            let mut seen = BTreeSet::new();
            let twice = pod.containers.iter().find(|container| !seen.insert(&*container.name));
            if let Some(container) = twice {
                let message = format!(
                    "pod {:?} has two containers {:?}: each needs a name of its own",
                    format!("{}/{}", pod.namespace(), *pod.name),
                    *container.name
                );
                return Err(ConfigMistake { place: container.name.place, message });
            }
        }
        Ok(())
    }

    /// Whether its faults can show.
    fn check_faults(&self) -> Result<(), ConfigMistake> {
        // Addresses of a template's nodes differ.
        let known =
            self.count().is_none() && self.listen.iter().all(|at| !at.ip().is_unspecified());
        let known = known.then(|| self.listen.iter().map(|at| at.ip()).collect());
        match why_in_vain(&self.faults, known.as_ref()) {
            Some(reason) => {
                let message = format!("faults of node {:?}: {reason}", *self.name);
                Err(ConfigMistake { place: self.faults.place, message })
            }
            None => Ok(()),
        }
    }
}

/// Why faults of a kubelet at these addresses cannot be.
fn why_in_vain(faults: &Faults, known: Option<&BTreeSet<IpAddr>>) -> Option<String> {
    if let Some(status) = faults.status.filter(|status| !(100..=599).contains(status)) {
        return Some(format!("{status} is not a status of HTTP: write 100 to 599"));
    }
    if faults.trickle.is_some_and(|trickle| trickle.bytes == 0 || trickle.every.is_zero()) {
        return Some(
            "`bytes` and `every` of a trickle must not be 0: for nothing at all write `silence: true`"
                .to_owned(),
        );
    }
    let elsewhere = |known: &BTreeSet<_>| faults.at.iter().find(|at| !known.contains(*at)).copied();
    if let Some(at) = known.and_then(elsewhere) {
        return Some(format!("it does not listen on {at}: write an address of its `listen`"));
    }
    faults.also.iter().find_map(|more| why_in_vain(more, known))
}
