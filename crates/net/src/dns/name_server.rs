use std::{
    fmt,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    sync::Arc,
};

use crate::Network;

pub(super) const DNS_PORT: u16 = 53;

/// A name server. One with a link-local address (`fe80::53%eth0`) is reached through the network
/// interface that its zone names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    address: SocketAddr,
    zone: Option<Arc<str>>,
}

// === impl NameServer ===

impl NameServer {
    /// Reads what follows `nameserver` in resolv.conf. The port may be another one in OpenBSD's
    /// notation, `[127.0.0.1]:5353`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some((ip, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            return Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?).into());
        }
        let Some((ip, zone)) = text.split_once('%') else {
            return Some(SocketAddr::new(text.parse().ok()?, DNS_PORT).into());
        };
        let ip = IpAddr::V6(ip.parse().ok()?);
        let zone = Some(zone).filter(|zone| !zone.is_empty())?;
        Some(Self { address: SocketAddr::new(ip, DNS_PORT), zone: Some(zone.into()) })
    }

    /// Where it is on `network`. An interface that is not there is none, as in Go.
    pub(super) fn on(&self, network: &dyn Network) -> SocketAddr {
        match (self.address, &self.zone) {
            (SocketAddr::V6(at), Some(zone)) => {
                let scope_id = network.scope_id(zone).unwrap_or_default();
                SocketAddrV6::new(*at.ip(), at.port(), 0, scope_id).into()
            }
            (address, _) => address,
        }
    }

    /// The near end of a socket to it, with the zone's name where it is in the same zone.
    pub(super) fn near_end(&self, local: SocketAddr) -> String {
        match (local, &self.zone) {
            (SocketAddr::V6(at), Some(zone)) if at.scope_id() != 0 => {
                format!("[{}%{zone}]:{}", at.ip(), at.port())
            }
            _ => local.to_string(),
        }
    }
}

impl From<SocketAddr> for NameServer {
    fn from(address: SocketAddr) -> Self {
        Self { address, zone: None }
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "[{}%{zone}]:{}", self.address.ip(), self.address.port()),
            None => self.address.fmt(f),
        }
    }
}
