//! Nodes and their kubelets.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    faults::Faults,
    pod::Pod,
    usage::{Amounts, Usage},
    values::In,
    x509::X509,
};

/// A node, its kubelet and the pods on it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// The Node object's name.
    pub name: String,
    /// How many nodes to make of this template. `{n}` in names counts them from 0 and every
    /// address is raised by it. Default: one node, and `{n}` means nothing.
    pub count: Option<u32>,
    /// The addresses in the node's status, in order.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// The machine's own IP addresses, where its kubelet listens. Default: those of `addresses`
    /// that are IP addresses.
    pub ips: Option<Vec<In<IpAddr>>>,
    /// Labels of the Node object, besides `kubernetes.io/hostname` and `kubernetes.io/os`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Node object. Where `metrics.k8s.io/resource-metrics-path` names a path
    /// below `/metrics`, the kubelet's metrics are there too, as with KWOK.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// The Ready condition. Default: true.
    pub ready: Option<bool>,
    /// The Kubernetes version the kubelet reports. Default: v1.36.2.
    pub version: Option<String>,
    /// What pods may use of the node; `kubectl top` shows usage as a share of it. Default: 4 cores
    /// and 8Gi.
    pub allocatable: Option<Amounts>,
    /// What the node uses. Default: the sum of its containers.
    pub usage: Option<Usage>,
    /// The kubelet.
    #[serde(default)]
    pub kubelet: Kubelet,
    /// The pods running on the node.
    #[serde(default)]
    pub pods: Vec<Pod>,
}

/// One of a node's addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Which kind of address.
    #[serde(rename = "type")]
    pub kind: AddressType,
    /// A host name, or an IP address.
    pub address: String,
}

/// The types of a node's addresses, as in the Kubernetes API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub enum AddressType {
    /// The name the kubelet reports.
    Hostname,
    /// An IP address reachable in the cluster.
    #[serde(rename = "InternalIP")]
    InternalIp,
    /// An IP address reachable from outside.
    #[serde(rename = "ExternalIP")]
    ExternalIp,
    /// A DNS name reachable in the cluster.
    #[serde(rename = "InternalDNS")]
    InternalDns,
    /// A DNS name reachable from outside.
    #[serde(rename = "ExternalDNS")]
    ExternalDns,
}

/// How a node's kubelet behaves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubelet {
    /// The port it listens on, also in the node's status. Default: 10250.
    pub port: Option<u16>,
    /// When the node and its containers started, where they have no `started` of their own. Counters
    /// count from there. Default: a day before the cluster's clock, or the program, starts.
    pub started: Option<In<Timestamp>>,
    /// When it measures. Default: every 10s from the start of the minute.
    pub sampling: Option<Sampling>,
    /// Its serving certificate. Default: `SelfSigned`.
    pub certificate: Option<CertificateKind>,
    /// The version and key of that certificate.
    pub x509: Option<X509>,
    /// How requests are authenticated and authorized. Default: `Webhook`.
    pub access: Option<Access>,
    /// A folder, relative to the file, with recorded scrapes (`resource.1.prom`,
    /// `resource.2.prom` and so on) and summaries (`summary.1.json` and so on) to answer with one
    /// after the other, the last one for good. They take the place of `usage`; where there are only
    /// summaries, there is no `/metrics/resource`.
    pub replay: Option<String>,
    /// What it does wrong.
    #[serde(default)]
    pub faults: Faults,
}

/// The moments at which a kubelet measures: its samples carry these times.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sampling {
    /// How long from one sample to the next.
    pub every: In<Duration>,
    /// How far samples lie behind whole multiples of `every` since the Unix epoch. Default: 0s.
    pub offset: Option<In<Duration>>,
    /// Whether each thing is measured at a moment of its own, as by a real kubelet: the node and
    /// each pod in turn, containers at each request. Default: all at once.
    #[serde(default)]
    pub apart: bool,
}

/// Kinds of serving certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum CertificateKind {
    /// Made by the kubelet itself, valid for the node's name and no IP address: what kubelets have
    /// when nothing is configured.
    #[default]
    SelfSigned,
    /// Signed by the cluster's CA for all of the node's names and addresses.
    Signed,
    /// The same, signed by another CA: the one in `${otherCA}`.
    #[serde(rename = "SignedByOtherCA")]
    SignedByOtherCa,
}

/// How a kubelet authenticates and authorizes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Access {
    /// It asks the API server: TokenReview and SubjectAccessReview.
    #[default]
    Webhook,
    /// Every request is allowed.
    Open,
}

// === impl Node ===

impl Node {
    /// The port of a kubelet that names none.
    pub const DEFAULT_PORT: u16 = 10250;

    /// The port that its kubelet listens on.
    pub fn port(&self) -> u16 {
        self.kubelet.port.unwrap_or(Self::DEFAULT_PORT)
    }

    /// The addresses of its status that are IP addresses.
    pub fn ip_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().filter_map(|address| address.address.parse().ok())
    }

    /// The addresses of its status that are names.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        let names = self.addresses.iter().map(|address| address.address.as_str());
        names.filter(|name| name.parse::<IpAddr>().is_err())
    }

    /// Where its kubelet listens: on every IP address of its machine, in order and once each.
    pub fn listen(&self) -> Vec<SocketAddr> {
        let ips = match &self.ips {
            Some(ips) => ips.iter().map(|ip| ip.0).collect::<Vec<_>>(),
            None => self.ip_addresses().collect(),
        };
        let port = self.port();
        let mut listen: Vec<_> = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        listen.sort_unstable();
        listen.dedup();
        listen
    }
}

// === impl AddressType ===

impl AddressType {
    /// As the Kubernetes API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hostname => "Hostname",
            Self::InternalIp => "InternalIP",
            Self::ExternalIp => "ExternalIP",
            Self::InternalDns => "InternalDNS",
            Self::ExternalDns => "ExternalDNS",
        }
    }
}
