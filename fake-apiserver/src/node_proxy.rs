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
    client_tls::{self, ClientCertificate, TlsError},
    proxy::{ForwardError, ProxyRequest, Route, forward},
    status::Status,
};

const DEFAULT_PORT: u16 = 10_250;

/// How the API server reaches kubelets.
pub struct KubeletAccess {
    /// The network that reaches them.
    pub network: Arc<dyn Network>,
    /// `--kubelet-client-certificate`; without it kubelets answer 401.
    pub certificate: Option<ClientCertificate>,
}

/// The same with its TLS configuration.
pub(super) struct Kubelets {
    network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
}

/// A node as the path names it: `NAME`, `NAME:PORT` or `https:NAME:PORT`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NodeRef<'a> {
    pub(super) name: &'a str,
    /// Instead of the kubelet's.
    port: Option<u16>,
}

// === impl Kubelets ===

impl Kubelets {
    pub(super) fn new(access: KubeletAccess) -> Result<Self, TlsError> {
        let tls = Arc::new(client_tls::config(access.certificate)?);
        Ok(Self { network: access.network, tls })
    }

    /// The answer of the kubelet of a node, whose object is given as JSON.
    pub(super) async fn pass(
        &self,
        node: &NodeRef<'_>,
        object: &str,
        request: ProxyRequest<'_>,
    ) -> Result<Response, Status> {
        let object: Node = serde_json::from_str(object).map_err(Status::unreachable)?;
        let no_address = || Status::unreachable(format!("node {:?} has no IP address", node.name));
        let address = address(&object, node.port).ok_or_else(no_address)?;
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

// === impl NodeRef ===

impl<'a> NodeRef<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let named = text.strip_prefix("https:").unwrap_or(text);
        match named.split_once(':') {
            Some((name, port)) => Self { name, port: port.parse().ok() },
            None => Self { name: named, port: None },
        }
    }
}

/// The kubelet's path and query: all that comes after `/api/v1/nodes/NAME/proxy`.
pub(super) fn below_proxy(uri: &Uri) -> String {
    let path = uri.path().splitn(7, '/').nth(6).unwrap_or_default();
    match uri.query() {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    }
}

/// The kubelet's address. The real API server tries names first; nothing resolves them here.
fn address(node: &Node, port: Option<u16>) -> Option<SocketAddr> {
    let status = node.status.as_ref()?;
    let of_type = |kind: &str| {
        let mut addresses = status.addresses.iter().flatten();
        addresses.find_map(|it| (it.type_ == kind).then(|| it.address.parse::<IpAddr>().ok())?)
    };
    let ip = of_type("InternalIP").or_else(|| of_type("ExternalIP"))?;
    let endpoint = status.daemon_endpoints.as_ref().and_then(|it| it.kubelet_endpoint.as_ref());
    let reported = endpoint.and_then(|it| u16::try_from(it.port).ok()).filter(|port| *port > 0);
    Some(SocketAddr::new(ip, port.or(reported).unwrap_or(DEFAULT_PORT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_with_and_without_a_port() {
        let node = |name, port| NodeRef { name, port };
        assert_eq!(NodeRef::parse("node-1"), node("node-1", None));
        assert_eq!(NodeRef::parse("node-1:9100"), node("node-1", Some(9_100)));
        assert_eq!(NodeRef::parse("https:node-1:9100"), node("node-1", Some(9_100)));
    }

    #[test]
    fn the_path_after_proxy_is_forwarded_with_its_query() {
        let below = |path: &str| below_proxy(&path.parse().unwrap());
        let asked = below("/api/v1/nodes/proxy/proxy/stats/summary?a=b/proxy");
        assert_eq!(asked, "/stats/summary?a=b/proxy");
        assert_eq!(below("/api/v1/nodes/n/proxy"), "/");
        assert_eq!(below("/api/v1/nodes/n/proxy?a"), "/?a");
    }
}
