use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::{api::core::v1 as core, apimachinery::pkg::api::resource};

use k8s_text::quantity::Quantity;

/// The annotation with which a node names another path than `/metrics/resource`.
const RESOURCE_PATH_ANNOTATION: &str = "metrics.k8s.io/resource-metrics-path";

/// What is kept of a Node object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its addresses, in the order of its status.
    pub addresses: Vec<NodeAddress>,
    /// The kubelet's port in its status, where it is a port.
    pub port: Option<u16>,
    /// Where its kubelet has the resource metrics, when not in the usual place.
    pub resource_path: Option<String>,
    /// Whether its Ready condition is true.
    pub ready: bool,
    /// How much CPU and memory it has.
    pub capacity: Capacity,
}

/// The node's capacity, if its status has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// CPU in billionths of a core.
    pub nanocores: Option<u64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
}

/// One of a node's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAddress {
    /// `Hostname`, `InternalIP` and so on.
    pub kind: String,
    /// A host name or an IP address.
    pub address: String,
}

// === impl Node ===

impl Node {
    /// Those of its addresses that are no names.
    pub fn ips(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().filter_map(|address| address.address.parse().ok())
    }

    /// The types of its addresses, for messages.
    pub fn address_types(&self) -> Vec<String> {
        self.addresses.iter().map(|address| address.kind.clone()).collect()
    }
}

impl From<core::Node> for Node {
    fn from(node: core::Node) -> Self {
        let status = node.status.unwrap_or_default();
        let port = status
            .daemon_endpoints
            .and_then(|endpoints| endpoints.kubelet_endpoint)
            .map(|e| e.port);
        let ready =
            status.conditions.iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True");
        Self {
            name: node.metadata.name.unwrap_or_default(),
            labels: node.metadata.labels.unwrap_or_default(),
            addresses: status
                .addresses
                .unwrap_or_default()
                .into_iter()
                .map(|address| NodeAddress { kind: address.type_, address: address.address })
                .collect(),
            port: port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0),
            resource_path: node
                .metadata
                .annotations
                .and_then(|mut annotations| annotations.remove(RESOURCE_PATH_ANNOTATION))
                .filter(|path| !path.is_empty())
                // Go puts a slash between host and path where there is none.
                .map(|path| if path.starts_with('/') { path } else { format!("/{path}") }),
            ready,
            capacity: Capacity::of(&status.capacity.unwrap_or_default()),
        }
    }
}

// === impl Capacity ===

impl Capacity {
    fn of(resources: &BTreeMap<String, resource::Quantity>) -> Self {
        let quantity = |name| resources.get(name)?.0.parse::<Quantity>().ok();
        let positive = |number: i128| u64::try_from(number).ok().filter(|number| *number > 0);
        Self {
            nanocores: quantity("cpu").and_then(|cpu| positive(cpu.nanos())),
            memory: quantity("memory").and_then(|memory| positive(memory.units())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of: the port in a node's status, and the one that is used with
    /// --kubelet-use-node-status-port; none where it is --kubelet-port after all.
    #[test]
    fn an_invalid_port_is_ignored() {
        let rows = [
            (10250, Some(10250)),
            (1, Some(1)),
            (65535, Some(65535)),
            (0, None),
            (-1, None),
            (65536, None),
            (70_000, None),
            (i32::MIN, None),
        ];
        for (port, expected) in rows {
            let kubelet_endpoint = Some(core::DaemonEndpoint { port });
            let daemon_endpoints = Some(core::NodeDaemonEndpoints { kubelet_endpoint });
            let status = Some(core::NodeStatus { daemon_endpoints, ..Default::default() });
            let node = Node::from(core::Node { status, ..Default::default() });
            assert_eq!(node.port, expected, "{port}");
        }
    }
}
