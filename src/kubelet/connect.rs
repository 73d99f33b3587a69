use std::sync::Arc;

use net::{Stream, dial::Dialer};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    connection::Connection, connection_limit::ConnectionLimit, error::RequestError, identity,
    peek::Peek, target::Target,
};

/// Makes connections to kubelets.
pub(super) struct Connector {
    pub(super) dialer: Dialer,
    pub(super) limit: ConnectionLimit,
    /// Refuse a kubelet whose certificate names another node.
    pub(super) same_node_only: bool,
}

// === impl Connector ===

impl Connector {
    /// A connection to `target`, the kubelet of `node`; encrypted and verified where there is a
    /// `tls`.
    pub(super) async fn connect(
        &self,
        node: &str,
        target: &Target,
        tls: Option<Arc<ClientConfig>>,
        deadline: Instant,
    ) -> Result<Connection, RequestError> {
        let slot = self.limit.acquire(deadline).await.ok_or(RequestError::Timeout)?;
        let stream = self.dialer.dial(target.scheme, &target.host, target.port, deadline).await?;
        let stream = match &tls {
            None => stream,
            Some(tls) => {
                let stream = encrypt(stream, target, tls.clone(), deadline).await?;
                if self.same_node_only
                    && let Some(error) = other_node(&stream, node)
                {
                    return Err(error);
                }
                Box::new(stream)
            }
        };
        Ok(Connection::new(target.authority(), tls, stream, slot))
    }
}

async fn encrypt(
    stream: Stream,
    target: &Target,
    tls: Arc<ClientConfig>,
    deadline: Instant,
) -> Result<TlsStream<Peek>, RequestError> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|error| RequestError::Tls(error.to_string()))?;
    let connecting = TlsConnector::from(tls).connect(name, Peek::new(stream)).into_fallible();
    match timeout_at(deadline, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((_, stream))) if stream.is_http() => Err(RequestError::NoTls),
        Ok(Err((error, _))) => Err(RequestError::from_handshake(&error)),
        Err(_) => Err(RequestError::TlsTimeout),
    }
}

/// An address that now belongs to another node presents a valid certificate: only the node's name
/// in it shows the difference.
fn other_node(stream: &TlsStream<Peek>, node: &str) -> Option<RequestError> {
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let found = certificates.first().and_then(identity::node_of)?;
    (found != node).then(|| RequestError::OtherNode { found, wanted: node.to_owned() })
}
