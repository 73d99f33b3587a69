//! Default addresses of a cluster, for those that its file does not give.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{objects, server_under_test::secure_port};
use crate::file::format::{Node, Spec};

/// The API server: the address and port of its Service.
pub(super) const API_SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1)), 443);

/// The metrics server's pod.
pub(super) const DEFAULT_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 244, 1, 6));

/// The port that the metrics server listens on.
pub(super) const SERVER_PORT: u16 = 10250;

/// The machine of the administrator and of the kubelets' API clients.
pub(super) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 2));

/// The port of name servers.
pub(super) const DNS_PORT: u16 = 53;

/// Where the files that the metrics server's flags name seem to be in the time line: their real
/// folder differs from run to run.
pub(super) const FILES: &str = "/files";

/// The addresses at which the metrics server may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    /// Its pod's.
    pod: IpAddr,
    /// Its node's: where `server` has an address, that is it.
    node: IpAddr,
}

// === impl Home ===

impl Home {
    pub(super) fn of(spec: &Spec) -> Self {
        let given = spec.server.address.map(|address| address.0);
        let nodes = objects::nodes(spec);
        let first = nodes.iter().flat_map(Node::listen).map(|address| address.ip()).next();
        let pod = given.filter(|_| !spec.server.host_network).unwrap_or(DEFAULT_SERVER);
        let node = given.filter(|_| spec.server.host_network).or(first).unwrap_or(pod);
        Self { pod, node }
    }

    /// Where a server with these flags listens. In a pod of its own, where no other program has the port, the
    /// Service leads to the default port whatever the flags say.
    pub(super) fn address(self, has_host_network: bool, args: &[String]) -> SocketAddr {
        if has_host_network {
            SocketAddr::new(self.node, secure_port(args).unwrap_or(SERVER_PORT))
        } else {
            SocketAddr::new(self.pod, SERVER_PORT)
        }
    }
}
