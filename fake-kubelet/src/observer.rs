//! Connections and requests that kubelets see.

use std::net::SocketAddr;

/// Gets what kubelets see. Called on the kubelets' tasks: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// A client connected to a node's kubelet.
    fn connection(&self, node: &str, at: SocketAddr, from: SocketAddr) {
        let _ = (node, at, from);
    }

    /// A request ended: it was answered, or the client closed the connection before that.
    fn request(&self, request: &ObservedRequest<'_>);
}

/// A request that a kubelet saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedRequest<'a> {
    /// The kubelet's node.
    pub node: &'a str,
    /// The kubelet's address that it came in at.
    pub at: SocketAddr,
    /// Where it came from.
    pub from: SocketAddr,
    /// Such as `GET`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
    /// Its `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// The scheme of its `Authorization`, such as `Bearer`, without the credentials.
    pub authorization: Option<&'a str>,
    /// Whether the client presented a certificate.
    pub certificate: bool,
}

/// Observes nothing.
impl Observer for () {
    fn request(&self, _request: &ObservedRequest<'_>) {}
}
