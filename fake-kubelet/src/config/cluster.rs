//! How the nodes of a configuration are kept in a cluster.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use cluster_format::{AddressType, In};
use schemars::JsonSchema;
use serde::Deserialize;

/// The owner where the configuration has none.
pub(crate) const DEFAULT_OWNER: &str = "fake-kubelet";

/// How nodes and pods are kept in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClusterConfig {
    /// Who owns the objects: the value of their label `fake-kubelet.dev/owner`. Nodes with another
    /// value, or without the label, are never changed. Default: `fake-kubelet`.
    owner: Option<String>,
    /// The nodes' address. Default: `--address`, or where each of them listens.
    pub(crate) address: Option<In<IpAddr>>,
    /// Its type in the nodes' status. Default: `ExternalIP`, because kind's CNI daemon, and others
    /// like it, route a node's pods by its `InternalIP`, and end with an error where that is a pod's
    /// address; with `--out`, `InternalIP`. Nodes with `addresses` have those instead.
    pub(crate) address_type: Option<AddressType>,
    /// How often each node renews its Lease. Default: 10s.
    heartbeat: Option<In<Duration>>,
    /// The first of the pods' IP addresses. Default: 198.18.0.1, of a network that is reserved for
    /// benchmarks, so that no fake pod has a real one's address.
    first_pod_ip: Option<In<Ipv4Addr>>,
}

// === impl ClusterConfig ===

impl ClusterConfig {
    pub(crate) fn owner(&self) -> &str {
        self.owner.as_deref().unwrap_or(DEFAULT_OWNER)
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.heartbeat.map_or(Duration::from_secs(10), |heartbeat| heartbeat.0)
    }

    pub(crate) fn first_pod_ip(&self) -> Ipv4Addr {
        self.first_pod_ip.map_or(Ipv4Addr::new(198, 18, 0, 1), |ip| ip.0)
    }
}
