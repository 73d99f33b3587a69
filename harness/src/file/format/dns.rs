//! The cluster's DNS and how it fails.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use cluster_format::{In, Schedule};
use schemars::JsonSchema;
use serde::Deserialize;

/// The cluster's DNS. Names that it has not heard of do not exist.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dns {
    /// The address its server has; the port is 53. Default: 10.96.0.10.
    pub server: Option<In<IpAddr>>,
    /// Several servers in place of `server`, in the order in which the metrics server's
    /// resolv.conf names them. All of them know the same names.
    #[serde(default)]
    pub servers: Vec<NameServer>,
    /// Names and the address each one has.
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
    /// How it fails to answer whatever it is asked.
    pub failure: Option<DnsFailure>,
    /// How long each of its answers takes.
    pub delay: Option<In<Duration>>,
    /// When it fails or takes its time. Default: always.
    pub when: Option<Schedule>,
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
    /// Servers that behave otherwise from now on.
    #[serde(default)]
    pub servers: Vec<NameServer>,
}
