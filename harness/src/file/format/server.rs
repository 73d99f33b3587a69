//! The metrics server under test.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::values::In;

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
