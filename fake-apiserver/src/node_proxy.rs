//! `nodes/NAME/proxy`: requests that are passed on to a node's kubelet.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::response::Response;
use http::Uri;
use k8s_openapi::api::core::v1::Node;
use net::Network;
use rustls::{ClientConfig, pki_types::ServerName};

use super::{
    aggregation::{BackendError, ClientCertificate},
    forward::{ForwardError, Passed, Route, forward},
    status::Status,
    tls,
};

const DEFAULT_PORT: u16 = 10_250;

/// How the API server reaches kubelets.
pub struct KubeletAccess {
    /// The way there.
    pub network: Arc<dyn Network>,
    /// What is shown to them (`--kubelet-client-certificate`); without, they have no reason to
    /// answer.
    pub certificate: Option<ClientCertificate>,
}

/// The same, ready for use.
pub(super) struct Kubelets {
    network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
}

/// A node as the path names it: `NAME`, `NAME:PORT` or `https:NAME:PORT`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) node: &'a str,
    /// Instead of the kubelet's.
    port: Option<u16>,
}

// === impl Kubelets ===

impl Kubelets {
    pub(super) fn new(access: KubeletAccess) -> Result<Self, BackendError> {
        let tls = Arc::new(tls::config(access.certificate)?);
        Ok(Self { network: access.network, tls })
    }

    /// The answer of the kubelet of a node, whose object is given as JSON.
    pub(super) async fn pass(
        &self,
        place: &Place<'_>,
        object: &str,
        request: Passed<'_>,
    ) -> Result<Response, Status> {
        let node: Node = serde_json::from_str(object).map_err(Status::unreachable)?;
        let nowhere = || Status::unreachable(format!("node {:?} has no IP address", place.node));
        let address = address(&node, place).ok_or_else(nowhere)?;
        let route = Route {
            network: &*self.network,
            address,
            tls: Arc::clone(&self.tls),
            name: ServerName::IpAddress(address.ip().into()),
        };
        forward(route, request).await.map_err(|error| match error {
            ForwardError::Late => Status::backend_too_slow(),
            error => Status::unreachable(error),
        })
    }
}

// === impl Place ===

impl<'a> Place<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let named = text.strip_prefix("https:").unwrap_or(text);
        match named.split_once(':') {
            Some((node, port)) => Self { node, port: port.parse().ok() },
            None => Self { node: named, port: None },
        }
    }
}

/// What is asked of the kubelet: all that comes after `/api/v1/nodes/NAME/proxy`.
pub(super) fn below_proxy(uri: &Uri) -> String {
    let path = uri.path().splitn(7, '/').nth(6).unwrap_or_default();
    match uri.query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    }
}

/// Where the kubelet listens. The real API server tries names first; there are none to resolve
/// here.
fn address(node: &Node, place: &Place<'_>) -> Option<SocketAddr> {
    let status = node.status.as_ref()?;
    let of_type = |kind: &str| {
        let mut addresses = status.addresses.iter().flatten();
        addresses.find_map(|it| (it.type_ == kind).then(|| it.address.parse::<IpAddr>().ok())?)
    };
    let ip = of_type("InternalIP").or_else(|| of_type("ExternalIP"))?;
    let endpoint = status.daemon_endpoints.as_ref().and_then(|it| it.kubelet_endpoint.as_ref());
    let told = endpoint.and_then(|it| u16::try_from(it.port).ok()).filter(|port| *port > 0);
    Some(SocketAddr::new(ip, place.port.or(told).unwrap_or(DEFAULT_PORT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_with_and_without_a_port() {
        let place = |node, port| Place { node, port };
        assert_eq!(Place::parse("node-1"), place("node-1", None));
        assert_eq!(Place::parse("node-1:9100"), place("node-1", Some(9_100)));
        assert_eq!(Place::parse("https:node-1:9100"), place("node-1", Some(9_100)));
    }

    #[test]
    fn what_comes_after_the_proxy_is_asked_with_its_query() {
        let below = |path: &str| below_proxy(&path.parse().unwrap());
        let asked = below("/api/v1/nodes/proxy/proxy/stats/summary?a=b/proxy");
        assert_eq!(asked, "/stats/summary?a=b/proxy");
        assert_eq!(below("/api/v1/nodes/n/proxy"), "/");
        assert_eq!(below("/api/v1/nodes/n/proxy?a"), "/?a");
    }
}
