//! What a scenario's cluster has at any time: an expectation about anything else cannot fail, or
//! never holds.

use std::{collections::BTreeSet, net::IpAddr};

use cluster_format::{Address, Node, YamlNode, numbered, raised};

use super::super::{
    filter::fits,
    format::{Change, DnsName, ExpectationFields, NameServer, Spec, Step},
};

/// A cluster. What is not known for certain, because that part of the file has mistakes, is `None`.
pub(super) struct KnownCluster<'a> {
    /// The names of all nodes, those that join later included.
    pub(super) nodes: Option<BTreeSet<String>>,
    /// The addresses of its name servers.
    pub(super) name_servers: Option<Vec<IpAddr>>,
    spec: &'a Spec<ExpectationFields>,
    /// Whether all of its nodes and steps are known.
    has_all_machines: bool,
    /// Whether all names that a metrics server might look up are known.
    has_all_names: bool,
}

// === impl KnownCluster ===

impl<'a> KnownCluster<'a> {
    /// The cluster of a file. `nodes` are the names of the first nodes, if they are known.
    pub(super) fn new(
        spec: &'a Spec<ExpectationFields>,
        at: &YamlNode,
        nodes: Option<BTreeSet<String>>,
    ) -> Self {
        let sound = |field: &str| !at.field(field).broken;
        let added = changes(&spec.steps).flat_map(|change| &change.add);
        let added = added.flat_map(|node| cluster_format::check::all_names(&node.name, node.count));
        let has_all_machines = nodes.is_some() && sound("nodes") && sound("steps");
        // A kubeconfig may name the API server.
        let has_all_names =
            has_all_machines && sound("dns") && sound("server") && spec.server.kubeconfig.is_none();
        Self {
            nodes: nodes.map(|nodes| nodes.into_iter().chain(added).collect()),
            name_servers: sound("dns").then(|| spec.dns.addresses().collect()),
            spec,
            has_all_machines,
            has_all_names,
        }
    }

    /// Whether a machine never has this address.
    pub(super) fn lacks_address(&self, address: IpAddr) -> bool {
        let of_node = |node: &Node| {
            let listen = node.listen();
            let mut numbers = 0..node.count.unwrap_or(1);
            numbers.any(|number| listen.iter().any(|it| raised(it.ip(), number) == address))
        };
        let moved = changes(&self.spec.steps).flat_map(|change| change.nodes.values());
        let mut moved = moved.flat_map(|change| {
            let ips = change.ips.iter().flatten().map(|ip| ip.0);
            ips.chain(change.addresses.iter().flatten().filter_map(|it| it.address.parse().ok()))
        });
        self.has_all_machines
            && !self.all_nodes().any(of_node)
            && !moved.any(|known: IpAddr| known == address)
    }

    /// Whether no kubelet answers at this path, nor a node's annotation names it.
    pub(super) fn lacks_kubelet_path(&self, path: &str) -> bool {
        let is_same = |value: &String| value.trim_matches('/') == path.trim_matches('/');
        let moved = changes(&self.spec.steps).flat_map(|change| change.nodes.values());
        let moved = moved.flat_map(|change| change.annotations.iter().flatten());
        let first = self.all_nodes().flat_map(|node| &node.annotations);
        self.has_all_machines
            && !fake_kubelet::serves(path)
            && !first.chain(moved).any(|(_, value)| is_same(value))
    }

    /// Whether nothing in the file has this name, with or without a search domain.
    pub(super) fn lacks_name(&self, name: &str) -> bool {
        let is_or_begins = |known: &str| {
            let known = canonical(known);
            let below = name.strip_prefix(&known).is_some_and(|rest| rest.starts_with('.'));
            fits(&known, name) || below
        };
        let of_node = |node: &Node| {
            let mut names = node.host_names().flat_map(|host| {
                (0..node.count.unwrap_or(1)).map(move |n| numbered(host, node.count, n))
            });
            names.any(|known| is_or_begins(&known))
        };
        let is_name = |it: &Address| is_or_begins(&it.address);
        let moved = changes(&self.spec.steps).flat_map(|change| change.nodes.values());
        let mut moved = moved.flat_map(|change| change.addresses.iter().flatten());
        self.has_all_names
            && !self.all_nodes().any(of_node)
            && !moved.any(is_name)
            && !self.names_of_dns().any(is_or_begins)
    }

    fn all_nodes(&self) -> impl Iterator<Item = &'a Node> {
        let added = changes(&self.spec.steps).flat_map(|change| &change.add);
        self.spec.nodes.iter().chain(added)
    }

    fn names_of_dns(&self) -> impl Iterator<Item = &'a str> {
        let dns = &self.spec.dns;
        let changed = changes(&self.spec.steps).filter_map(|change| change.dns.as_ref());
        let records = changed.clone().map(|it| &it.records).chain([&dns.records]);
        let failures = changed.clone().map(|it| &it.failures).chain([&dns.failures]);
        let hosts = changed.clone().filter_map(|it| it.hosts.as_ref()).chain(&dns.hosts);
        let servers = changed.clone().flat_map(|it| &it.servers).chain(&dns.servers);
        let of_servers = servers.map(|server: &NameServer| &server.names);
        let names = changed.map(|it| &it.names).chain([&dns.names]).chain(of_servers);
        let names = names.flatten().flat_map(|(name, said): (&String, &DnsName)| {
            std::iter::once(name.as_str()).chain(said.alias.as_deref())
        });
        records
            .flat_map(|it| it.keys())
            .chain(failures.flat_map(|it| it.keys()))
            .chain(hosts.flat_map(|it| it.entries.keys()))
            .chain(self.spec.server.hosts.keys())
            .map(String::as_str)
            .chain(names)
    }
}

/// The changes of all steps, in order.
fn changes<E>(steps: &[Step<E>]) -> impl Iterator<Item = &Change> + Clone {
    steps.iter().filter_map(|step| step.change.as_ref())
}

/// A name as DNS compares it.
pub(super) fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
