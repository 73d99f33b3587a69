//! The cluster's DNS and how it fails.

use std::{collections::BTreeMap, net::IpAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::values::In;

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
