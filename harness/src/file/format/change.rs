//! What a step changes in the world.

use std::{collections::BTreeMap, net::IpAddr};

use cluster_format::In;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Address, ApiServerFaults, CertificateKind, DnsChange, Faults, FileContent, FirewallRule,
    Grants, Node, Pod, ResolvConf, Rule, Usage, X509,
};

/// What changes in the world.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// Names that DNS learns, or answers otherwise than before.
    pub dns: Option<DnsChange>,
    /// Nodes that join the cluster.
    #[serde(default)]
    pub add: Vec<Node>,
    /// Nodes, by name, and what changes about each. `*` in a name stands for anything.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeChange>,
    /// The metrics server is started again with other flags, or gets another role.
    pub server: Option<ServerChange>,
    /// What users and groups may do from now on. Those not mentioned stay as they are.
    #[serde(default)]
    pub access: Grants,
    /// The API server goes away or comes back.
    pub api_server: Option<ApiServerChange>,
    /// How the API server shows the metrics server, to which it passes requests on, who it is.
    pub front_proxy: Option<FrontProxyState>,
    /// All packets that are lost on their way from now on.
    pub firewall: Option<Vec<FirewallRule>>,
    /// All of the API server's faults towards the metrics server.
    pub api_server_faults: Option<ApiServerFaults>,
}

/// What changes about a node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeChange {
    /// All of its addresses.
    pub addresses: Option<Vec<Address>>,
    /// The machine's own IP addresses. Default: as in a node, if `addresses` change; else no change.
    pub ips: Option<Vec<In<IpAddr>>>,
    /// The Ready condition.
    pub ready: Option<bool>,
    /// What it uses from now on.
    pub usage: Option<Usage>,
    /// What containers on it use from now on, by `namespace/pod/container`.
    #[serde(default)]
    pub containers: BTreeMap<String, Usage>,
    /// Pods that start on it now.
    #[serde(default)]
    pub add_pods: Vec<Pod>,
    /// Pods, as `namespace/name`, that are gone from it. One that starts on another node in the
    /// same step has moved there.
    #[serde(default)]
    pub remove_pods: Vec<String>,
    /// All of its labels, besides those that every node has.
    pub labels: Option<BTreeMap<String, String>>,
    /// All of its annotations.
    pub annotations: Option<BTreeMap<String, String>>,
    /// The serving certificate that its kubelet has from now on: the kubelet starts again.
    pub certificate: Option<CertificateKind>,
    /// The version and key of its certificate from now on: the kubelet starts again.
    pub x509: Option<X509>,
    /// The port that its kubelet listens on from now on: the kubelet starts again.
    pub port: Option<u16>,
    /// Its kubelet starts again: open connections are cut, and the counters go on.
    #[serde(default)]
    pub restarted: bool,
    /// All of its kubelet's faults.
    pub faults: Option<Faults>,
    /// The node and its pods leave the cluster for good.
    #[serde(default)]
    pub removed: bool,
}

/// How the API server shows those it passes requests on to who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum FrontProxyState {
    /// With a certificate whose time is over.
    Expired,
    /// With one whose time has not come, as when clocks differ.
    NotYetValid,
    /// With one of the right CA, for a name that may not pass requests on.
    OtherName,
    /// With one of a new CA, of which the cluster's `extension-apiserver-authentication` does not tell.
    #[serde(rename = "NewCA")]
    NewCa,
    /// Not at all: the cluster has no front proxy, and its `extension-apiserver-authentication` names
    /// no CA of one.
    Absent,
    /// With a good one, of the CA of which `extension-apiserver-authentication` tells from now on: the
    /// new one, after `NewCA`.
    Good,
}

/// What changes about the metrics server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerChange {
    /// All of its flags: it is started again with them.
    pub args: Option<Vec<String>>,
    /// Whether it has its node's network, as in a server: it is started again.
    pub host_network: Option<bool>,
    /// It receives SIGTERM, as when its pod is deleted.
    #[serde(default)]
    pub terminated: bool,
    /// Files that hold something else from now on; it goes on running.
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
    /// What its kubeconfig says from now on. It is read at the start: `args` go with it.
    pub kubeconfig: Option<String>,
    /// What its resolv.conf says from now on; it goes on running, and reads the file again after 5s.
    pub resolv_conf: Option<ResolvConf>,
    /// What happens to the token that it shows kubelets and the API server; it goes on running.
    pub token: Option<TokenChange>,
    /// All rules of its role; it goes on running.
    pub role: Option<Vec<Rule>>,
}

/// What happens to the token of the metrics server's service account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TokenChange {
    /// It is not valid any more, and still in the file that the server reads.
    Expired,
    /// A new one is in the file. The old one is not valid any more.
    Rotated,
}

/// What the API server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ApiServerChange {
    /// It goes away: open connections are cut, new ones refused.
    Down,
    /// It accepts connections and says nothing; open ones are cut.
    Silent,
    /// It is back, with the same objects.
    Up,
}
