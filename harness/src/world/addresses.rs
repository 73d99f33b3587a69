//! Default addresses of a cluster, for those that its file does not give.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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
