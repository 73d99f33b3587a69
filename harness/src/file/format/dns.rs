//! The cluster's DNS and how it fails.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use cluster_format::{In, Schedule};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the cluster's DNS is when a scenario does not say so.
const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10));

/// The cluster's DNS. Names that it has not heard of do not exist.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The address its server has; the port is 53. Default: 10.96.0.10.
    pub server: Option<In<IpAddr>>,
    /// Several servers in place of `server`, in the order in which the metrics server's
    /// resolv.conf names them, unless it says otherwise itself. All of them know the same names,
    /// besides their own.
    #[serde(default)]
    pub servers: Vec<NameServer>,
    /// Names and the address each one has. `*` in place of the first label stands for all names of
    /// that domain that are not mentioned.
    #[serde(default)]
    pub records: BTreeMap<String, In<IpAddr>>,
    /// Names that are answered with a failure.
    #[serde(default)]
    pub failures: BTreeMap<String, DnsFailure>,
    /// Names of which more is to be said.
    #[serde(default)]
    pub names: BTreeMap<String, DnsName>,
    /// CoreDNS's `hosts` plugin, which is asked before all others.
    pub hosts: Option<HostsPlugin>,
}

/// One of several name servers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameServer {
    /// Its address; the port is 53.
    pub address: In<IpAddr>,
    /// The one protocol over which it answers: what comes over the other one is lost. Default: both.
    pub protocol: Option<DnsProtocol>,
    /// Names that it answers otherwise than the other servers.
    #[serde(default)]
    pub names: BTreeMap<String, DnsName>,
    /// Servers of which it passes each question on to one, by the scenario's seed, as CoreDNS's
    /// `forward` plugin does.
    #[serde(default)]
    pub forward: Vec<In<IpAddr>>,
    /// How it fails to answer whatever it is asked.
    pub failure: Option<DnsFailure>,
    /// How long each of its answers takes.
    pub delay: Option<In<Duration>>,
    /// When it fails or takes its time. Default: always.
    pub when: Option<Schedule>,
}

/// How questions reach a name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum DnsProtocol {
    /// In datagrams.
    #[serde(rename = "UDP")]
    Udp,
    /// Over connections.
    #[serde(rename = "TCP")]
    Tcp,
}

/// A name: its records, and how asking for it fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsName {
    /// Its addresses: those of IPv4 are A records, those of IPv6 AAAA records. Without any, the
    /// name exists and has no address.
    #[serde(default)]
    pub addresses: Vec<In<IpAddr>>,
    /// Another name that it stands for (CNAME), whose records are in the answer too.
    pub alias: Option<String>,
    /// How questions about it fail.
    pub failure: Option<DnsFailure>,
    /// How questions for its A records fail, if otherwise.
    pub a: Option<DnsFailure>,
    /// How questions for its AAAA records fail, if otherwise.
    pub aaaa: Option<DnsFailure>,
    /// How long an answer takes.
    pub delay: Option<In<Duration>>,
    /// Answers over UDP are cut off: one has to ask again over TCP.
    #[serde(default)]
    pub truncated: bool,
    /// When failures, `delay` and `truncated` happen. Default: always.
    pub when: Option<Schedule>,
    /// At which of several servers they happen. Default: at all.
    #[serde(default)]
    pub at: Vec<In<IpAddr>>,
}

/// CoreDNS's `hosts` plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostsPlugin {
    /// Names and their addresses.
    #[serde(default)]
    pub entries: BTreeMap<String, Vec<In<IpAddr>>>,
    /// Whether it passes on what it does not know. Without that, as in CoreDNS, it answers SERVFAIL
    /// to all other names.
    #[serde(default)]
    pub fallthrough: bool,
}

/// How a name can fail to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum DnsFailure {
    /// The name does not exist (NXDOMAIN).
    NoSuchHost,
    /// The name exists, without records of the type that was asked for.
    NoData,
    /// The server says that it failed (SERVFAIL).
    ServerFailure,
    /// The server says that it does not want to answer (REFUSED).
    Refused,
    /// No answer, until the resolver gives up.
    Silence,
    /// An answer that belongs to another question: its identifier is wrong, as a forger's is.
    #[serde(rename = "WrongID")]
    WrongId,
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
    /// Names of which all is said anew.
    #[serde(default)]
    pub names: BTreeMap<String, DnsName>,
    /// CoreDNS's `hosts` plugin, as it is from now on.
    pub hosts: Option<HostsPlugin>,
    /// Servers of which all is said anew. Their order says nothing: resolv.conf has it
    /// (`server.resolvConf.nameservers`).
    #[serde(default)]
    pub servers: Vec<NameServer>,
}

// === impl Dns ===

impl Dns {
    /// The addresses of all servers.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let one = self.servers.is_empty();
        let default = one.then(|| self.server.map_or(DEFAULT_SERVER, |server| server.0));
        self.servers.iter().map(|server| server.address.0).chain(default)
    }

    /// The addresses of those that a pod asks.
    pub fn resolvers(&self) -> impl Iterator<Item = IpAddr> {
        let is_upstream =
            |ip| self.servers.iter().flat_map(|server| &server.forward).any(|to| to.0 == ip);
        self.addresses().filter(move |ip| !is_upstream(*ip))
    }
}
