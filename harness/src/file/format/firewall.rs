//! Packets that are lost on their way.

use std::net::{IpAddr, SocketAddr};

use cluster_format::{In, Network};
use schemars::JsonSchema;
use serde::Deserialize;

/// Packets that are lost on their way, as firewalls, security groups and network policies lose them.
/// Connections that are open already stay. A rule without a field loses packets whatever they have
/// there; of a list, any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FirewallRule {
    /// Where they come from: the metrics server's pod has 10.244.1.6 if `server` has no other
    /// address, the API server 10.96.0.1.
    #[serde(default)]
    pub from: Vec<In<Network>>,
    /// Where they go.
    #[serde(default)]
    pub to: Vec<In<Network>>,
    /// The ports to which they go.
    #[serde(default)]
    pub ports: Vec<u16>,
}

// === impl FirewallRule ===

impl FirewallRule {
    /// Whether a packet is lost.
    pub(crate) fn loses(&self, from: IpAddr, to: SocketAddr) -> bool {
        let has = |networks: &[In<Network>], address: IpAddr| {
            networks.is_empty() || networks.iter().any(|network| network.0.contains(&address))
        };
        has(&self.from, from)
            && has(&self.to, to.ip())
            && (self.ports.is_empty() || self.ports.contains(&to.port()))
    }
}
