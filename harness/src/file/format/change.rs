//! What a step changes in the world.

use std::{collections::BTreeMap, net::IpAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::values::In;
use super::{Address, DnsChange, Faults, Grants, Rule, Usage};

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
    /// What users and groups may do from now on. Those not mentioned stay as they are.
    #[serde(default)]
    pub access: Grants,
    /// The API server goes away or comes back.
    pub api_server: Option<ApiServerChange>,
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
