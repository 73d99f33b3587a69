//! The types a scenario file is read into. Doc comments become the descriptions of the JSON Schema.
//! Structs only, no untagged enums: their errors could not name the location. Scenarios are generic over
//! expectations, which are fields where a file is checked and an enum where it is run.

mod api_server;
mod change;
mod dns;
mod expectation;
mod firewall;
mod server;
mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::api_server::ApiServerFaults;
pub use self::change::{
    ApiServerChange, Change, FrontProxyState, NodeChange, ServerChange, TokenChange,
};
pub use self::dns::{Dns, DnsChange, DnsFailure, DnsName, DnsProtocol, HostsPlugin, NameServer};
pub use self::expectation::{
    ApiSaw, Asker, CheckExpectation, Credentials, DnsSaw, Expectation, ExpectationFields,
    GetExpectation, KubeletSaw, MetricExpectation, RequestTarget, Shown, Top, TopExpectation,
};
pub use self::firewall::FirewallRule;
pub use self::server::{FileContent, Grants, ResolvConf, Rule, Server};
pub use self::step::{Step, Wait};
use cluster_format::In;
pub use cluster_format::{
    Access, Address, AddressType, Amounts, BodyFault, CertificateFault, CertificateKind, Container,
    Faults, Kubelet, Node, Pod, SampleFault, Sampling, Schedule, Shape, ShapeKind, TlsFault,
    TransferFault, Trickle, Usage, When, X509,
};

/// A cluster, what goes wrong in it, and what must be seen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "E: Deserialize<'de>")]
#[schemars(rename = "Scenario")]
pub struct Scenario<E = Expectation> {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// The kind of document.
    pub kind: Kind,
    /// Name and labels.
    pub metadata: Metadata,
    /// The cluster and the steps.
    pub spec: Spec<E>,
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
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "E: Deserialize<'de>")]
#[schemars(rename = "Spec")]
pub struct Spec<E = Expectation> {
    /// Why this behaviour matters, in a sentence or two.
    pub about: String,
    /// Values by name. `${name}` stands for one wherever a value may stand in `spec`, and for a
    /// text or number within a text.
    #[serde(default)]
    pub values: BTreeMap<String, serde_json::Value>,
    /// Cases: the file is a scenario of its own for each of them, called `file[case]`. Their
    /// values, by name, join `values` and take the place of those of the same name.
    #[serde(default)]
    pub matrix: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
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
    /// How the API server shows the metrics server, to which it passes requests on, who it is.
    /// Default: `Good`.
    pub front_proxy: Option<FrontProxyState>,
    /// The version and key of the certificate that it shows for that.
    pub front_proxy_x509: Option<X509>,
    /// What users and groups may do, besides the administrator.
    #[serde(default)]
    pub access: Grants,
    /// Packets that are lost on their way. Default: none but those to addresses that no machine has.
    #[serde(default)]
    pub firewall: Vec<FirewallRule>,
    /// Programs that fail this scenario for a fault of their own.
    #[serde(default)]
    pub known_failures: Vec<KnownFailure>,
    /// What happens and what must be seen, in order.
    #[serde(default)]
    pub steps: Vec<Step<E>>,
}

/// A program that fails the scenario for a fault of its own. Its failure is reported, and is no
/// failure of the run; that it passes is one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownFailure {
    /// A text by which the program's file is known, such as the path of its Go module.
    pub program: String,
    /// Which of its versions, as in Cargo: `<0.7.0`, or `>=0.6.0, <0.8.0`. The version is what
    /// the program prints for `--version`. Default: all.
    pub versions: Option<String>,
    /// Why.
    pub reason: String,
}
