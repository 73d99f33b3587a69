//! What the nodes of a configuration are like in a cluster.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::values::go_duration;

/// How nodes and pods are kept in a cluster.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ClusterConfig {
    /// Whose the objects are: the value of their label `fake-kubelet.dev/owner`. Nodes that carry
    /// another one, or none, are never touched. Default: `fake-kubelet`.
    pub(crate) owner: String,
    /// The nodes' `InternalIP`. Default: `--address`, or where each of them listens.
    pub(crate) address: Option<IpAddr>,
    /// How often each node renews its Lease. Default: `10s`.
    #[serde(deserialize_with = "go_duration")]
    #[schemars(with = "String")]
    pub(crate) heartbeat: Duration,
    /// Pods' IP addresses begin here. Default: `198.18.0.1`, of a network that is set apart for
    /// benchmarks, so that no fake pod has a real one's address.
    pub(crate) first_pod_ip: Ipv4Addr,
}

/// The Node object of a node.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ObjectConfig {
    /// Labels, besides those that say host name, operating system, architecture and owner.
    pub(crate) labels: BTreeMap<String, String>,
    /// Annotations.
    pub(crate) annotations: BTreeMap<String, String>,
    /// What the machine has. Default: 4 cores, 16Gi of memory, 110 pods.
    pub(crate) capacity: BTreeMap<String, String>,
    /// What pods may use of it. Default: all.
    pub(crate) allocatable: BTreeMap<String, String>,
    /// Taints. Default: `fake-kubelet.dev/node` with the owner as its value and the effect
    /// `NoSchedule`, so that only pods that tolerate it come here.
    pub(crate) taints: Option<Vec<TaintConfig>>,
    /// The kubelet's version. Default: v1.36.2.
    pub(crate) version: String,
}

/// A taint.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TaintConfig {
    /// Its key.
    pub(crate) key: String,
    /// Its value. Default: none.
    pub(crate) value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub(crate) effect: String,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            owner: crate::cluster::DEFAULT_OWNER.to_owned(),
            address: None,
            heartbeat: Duration::from_secs(10),
            first_pod_ip: Ipv4Addr::new(198, 18, 0, 1),
        }
    }
}

impl Default for ObjectConfig {
    fn default() -> Self {
        let capacity = [("cpu", "4"), ("memory", "16Gi"), ("pods", "110")];
        Self {
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            capacity: capacity.map(|(name, much)| (name.to_owned(), much.to_owned())).into(),
            allocatable: BTreeMap::new(),
            taints: None,
            version: "v1.36.2".to_owned(),
        }
    }
}
