//! The types a scenario file is read into. Doc comments become the descriptions of the JSON Schema.
//! Structs only, no untagged enums: their errors could not name the place.

mod faults;
mod usage;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::faults::{
    BodyFault, CertificateFault, Faults, SampleFault, TlsFault, TransferFault, Trickle, When,
};
pub use self::usage::{Amounts, Shape, ShapeKind, Usage};
use super::values::In;

/// A cluster, what goes wrong in it, and what must be seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// The kind of document.
    pub kind: Kind,
    /// Name and labels.
    pub metadata: Metadata,
    /// The cluster and the steps.
    pub spec: Spec,
}

/// Versions of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only one yet.
    #[serde(rename = "harness/v1alpha1")]
    V1Alpha1,
}

/// Kinds of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Kind {
    /// A scenario.
    Scenario,
}

/// What a scenario is called.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The scenario's name: lower-case letters, digits and dashes, unique in its folder.
    pub name: String,
    /// For choosing scenarios: `area`, and `profile` (`upstream`: any metrics server must pass;
    /// `extension`: this project's server goes further).
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// The cluster and the steps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// Why this behaviour matters, in a sentence or two.
    pub about: String,
    /// When the cluster's clock starts. Default: 2019-01-04T09:53:00Z.
    pub clock: Option<In<Timestamp>>,
    /// Seed of everything random. Default: 1.
    pub seed: Option<u64>,
    /// The nodes, each with its kubelet and pods.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// The cluster's DNS.
    #[serde(default)]
    pub dns: Dns,
    /// The metrics server.
    #[serde(default)]
    pub server: Server,
    /// What happens and what must be seen, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// A node, its kubelet and the pods on it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
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
    /// Annotations of the Node object.
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
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubelet {
    /// The port it listens on, also in the node's status. Default: 10250.
    pub port: Option<u16>,
    /// When the node and its containers started, where they do not say so themselves. Counters
    /// count from there. Default: a day before the cluster's clock starts.
    pub started: Option<In<Timestamp>>,
    /// When it measures. Default: every 10s from the start of the minute.
    pub sampling: Option<Sampling>,
    /// Its serving certificate. Default: `SelfSigned`.
    pub certificate: Option<Certificate>,
    /// Who may ask it. Default: `Webhook`.
    pub access: Option<Access>,
    /// A folder, relative to the scenario file, with recorded scrapes (`resource.1.prom`,
    /// `resource.2.prom` and so on) to answer with one after the other, the last one for good.
    /// They take the place of `usage`.
    pub replay: Option<String>,
    /// What it does wrong.
    #[serde(default)]
    pub faults: Faults,
}

/// The moments at which a kubelet measures: its samples carry these times.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sampling {
    /// How long from one sample to the next.
    pub every: In<Duration>,
    /// How far samples lie behind whole multiples of `every` since the Unix epoch. Default: 0s.
    pub offset: Option<In<Duration>>,
}

/// Kinds of serving certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Certificate {
    /// Made by the kubelet itself, valid for the node's name and no IP address: what kubelets have
    /// when nothing is configured.
    SelfSigned,
    /// Signed by the cluster's CA for all of the node's names and addresses.
    Signed,
}

/// How a kubelet decides who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Access {
    /// Asks the API server who it is (TokenReview) and whether they may (SubjectAccessReview).
    Webhook,
    /// Answers everybody.
    Open,
}

/// A running pod.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pod {
    /// Its namespace. Default: `default`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Labels of the Pod object.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container and what it uses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What it uses.
    pub usage: Usage,
    /// When it started. Default: with its kubelet.
    pub started: Option<In<Timestamp>>,
}

/// The cluster's DNS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The address its server has; the port is 53. Default: 10.96.0.10.
    pub server: Option<In<IpAddr>>,
    /// Names and the address each one has. All other names do not exist.
    #[serde(default)]
    pub records: BTreeMap<String, In<IpAddr>>,
    /// Names that are answered with a failure.
    #[serde(default)]
    pub failures: BTreeMap<String, DnsFailure>,
}

/// How a name can fail to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum DnsFailure {
    /// The name does not exist (NXDOMAIN).
    NoSuchHost,
    /// The server says that it failed (SERVFAIL).
    ServerFailure,
    /// No answer, until the resolver gives up.
    Silence,
}

/// The metrics server under test.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Server {
    /// The address of its pod. Default: 10.244.1.6.
    pub address: Option<In<IpAddr>>,
    /// Its flags. `${clusterCA}` stands for the path of a file with the cluster's CA.
    #[serde(default)]
    pub args: Vec<String>,
    /// The rules of its ClusterRole. Default: those of the Go server's manifests: get on
    /// nodes/metrics; get, list and watch on pods and nodes.
    pub role: Option<Vec<Rule>>,
}

/// A rule of a ClusterRole.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// API groups; `""` is the core group. Default: the core group.
    pub api_groups: Option<Vec<String>>,
    /// Resources, or resource/subresource.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}

/// Something that happens, and what must be seen after it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// What happens, in a few words.
    pub name: String,
    /// What changes in the world.
    pub change: Option<Change>,
    /// How long to wait after that.
    pub wait: Option<Wait>,
    /// What must be seen then.
    #[serde(default)]
    pub expect: Vec<Expectation>,
}

/// What changes in the world.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// Names that DNS learns, or answers otherwise than before.
    pub dns: Option<DnsChange>,
    /// Nodes, by name, and what changes about each.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeChange>,
    /// The metrics server is started again with other flags, or gets another role.
    pub server: Option<ServerChange>,
    /// The API server goes away or comes back.
    pub api_server: Option<ApiServerChange>,
}

/// What changes about DNS. Names that are not mentioned stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsChange {
    /// Names that get an address.
    #[serde(default)]
    pub records: BTreeMap<String, In<IpAddr>>,
    /// Names that fail from now on.
    #[serde(default)]
    pub failures: BTreeMap<String, DnsFailure>,
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
    /// All of its kubelet's faults.
    pub faults: Option<Faults>,
    /// The node and its pods leave the cluster for good.
    #[serde(default)]
    pub removed: bool,
}

/// What changes about the metrics server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerChange {
    /// All of its flags: it is started again with them.
    pub args: Option<Vec<String>>,
    /// All rules of its role; it goes on running.
    pub role: Option<Vec<Rule>>,
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

/// How long to wait: exactly one of the fields.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wait {
    /// Until the server has ended this many further scrape cycles.
    pub cycles: Option<u32>,
    /// This long.
    #[serde(rename = "for")]
    pub for_: Option<In<Duration>>,
    /// Until all expectations of the step hold, but no longer than this.
    pub up_to: Option<In<Duration>>,
}

/// Something a user can see: exactly one of `get`, `top`, `log`, `noLog`, `ready`, `refused`,
/// `kubelet` and `dns`, with the fields that go with it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// A path asked of the API server, which passes `/apis/metrics.k8s.io` on to the metrics
    /// server. Goes with `status` and `body`.
    pub get: Option<String>,
    /// The status of the answer to `get`. Default: 200.
    pub status: Option<u16>,
    /// What the answer to `get` must contain: of an object these fields, of a list exactly these
    /// items, each by the same rule.
    pub body: Option<serde_json::Value>,
    /// What `kubectl top` prints. Goes with `namespace`, `containers`, and `table` or `error`.
    pub top: Option<Top>,
    /// The namespace for `top: pods`. Default: all namespaces.
    pub namespace: Option<String>,
    /// `kubectl top pods --containers`.
    #[serde(default)]
    pub containers: bool,
    /// The table that `top` must print, to the letter but for space at line ends.
    pub table: Option<String>,
    /// The error that `top` must print instead of a table.
    pub error: Option<String>,
    /// A text that the server must have logged in this step, in one line. `…` stands for
    /// anything.
    pub log: Option<String>,
    /// A text that the server must not have logged in this step; as with `log`.
    pub no_log: Option<String>,
    /// Whether the server says that it is ready.
    pub ready: Option<bool>,
    /// A text in the error with which the server must have refused to start.
    pub refused: Option<String>,
    /// What a kubelet must have seen in this step.
    pub kubelet: Option<KubeletSaw>,
    /// What DNS must have seen in this step.
    pub dns: Option<DnsSaw>,
}

/// The two forms of `kubectl top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Top {
    /// `kubectl top nodes`.
    Nodes,
    /// `kubectl top pods`.
    Pods,
}

/// What a kubelet must have seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubeletSaw {
    /// The node.
    pub node: String,
    /// Looks only at requests that came in at this of its IP addresses.
    pub address: Option<In<IpAddr>>,
    /// At least one request that it answered with this status.
    pub answered: Option<u16>,
    /// Exactly this many requests.
    pub requests: Option<u32>,
}

/// What DNS must have seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsSaw {
    /// The name asked for.
    pub name: String,
    /// Exactly this many questions about it, of whatever type.
    pub questions: u32,
}
