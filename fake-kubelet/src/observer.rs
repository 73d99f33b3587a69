//! What kubelets see of those who ask them.

use std::net::SocketAddr;

/// Is told what kubelets see. Called on the kubelets' tasks: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// Somebody connected to a node's kubelet.
    fn connection(&self, node: &str, at: SocketAddr, from: SocketAddr) {
        let _ = (node, at, from);
    }

    /// Somebody asked for something and was answered, or went away before that.
    fn request(&self, request: &SeenRequest<'_>);
}

/// A request that a kubelet saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenRequest<'a> {
    /// The kubelet's node.
    pub node: &'a str,
    /// The kubelet's address it came in at.
    pub at: SocketAddr,
    /// Where it came from.
    pub from: SocketAddr,
    /// Such as `GET`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// What it was answered with; `None` if the client did not wait for it, or was cut off.
    pub status: Option<u16>,
    /// Its `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// The scheme of its `Authorization`, such as `Bearer`, without the credentials.
    pub authorization: Option<&'a str>,
    /// Whether the client showed a certificate.
    pub certificate: bool,
}

/// Watches nothing.
impl Observer for () {
    fn request(&self, _request: &SeenRequest<'_>) {}
}
