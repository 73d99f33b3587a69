//! The API server on a network address, over TLS, with HTTP/2 and HTTP/1.1.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use net::{Listener, Network, Stream};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::FakeApiServer;

/// Clients that do not finish their TLS handshake by then are disconnected.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long to wait after a failed accept: most likely the process is out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// Where a server listens, and its TLS.
pub struct Endpoint {
    /// The network that it listens on.
    pub network: Arc<dyn Network>,
    /// Its address; the system chooses port 0.
    pub address: SocketAddr,
    /// The serving certificate first, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first.
    pub key: PrivateKeyDer<'static>,
    /// `--client-ca-file`; without it client certificates are not requested.
    pub client_ca: Option<CertificateDer<'static>>,
}

/// An endpoint that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("failed to listen on {address} for the API server: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: io::Error,
    },
    /// TLS cannot use the certificates.
    #[error("failed to use the API server's certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// TLS cannot use the client CA.
    #[error("failed to use the client CA: {0}")]
    ClientCa(#[from] rustls::server::VerifierBuilderError),
}

/// A server that listens until this is dropped.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// The other end of a request's connection: an extension of every request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Verified against the client CA, leaf first; empty without a client certificate.
    pub certificates: Arc<[CertificateDer<'static>]>,
}

// === impl FakeApiServer ===

impl FakeApiServer {
    /// Listens on an endpoint, and on others that were started before.
    pub async fn start(self: &Arc<Self>, endpoint: Endpoint) -> Result<Serving, StartError> {
        endpoint.serve(self.router()).await
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Serves any router, such as that of a fake backend.
    pub async fn serve(self, router: Router) -> Result<Serving, StartError> {
        let tls = self.tls()?;
        let listener = self.listen().await?;
        let address = listener.local();
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(tls), router));
        Ok(Serving { address, task })
    }

    /// Accepts connections and never answers, as a server that hangs.
    pub async fn hang(self) -> Result<Serving, StartError> {
        let mut listener = self.listen().await?;
        let address = listener.local();
        let task = tokio::spawn(async move {
            let mut connections = Vec::new();
            loop {
                connections.extend(listener.accept().await.ok());
            }
        });
        Ok(Serving { address, task })
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, StartError> {
        let address = self.address;
        let listener = self.network.listen(address).await;
        listener.map_err(|source| StartError::Listen { address, source })
    }

    fn tls(&self) -> Result<Arc<ServerConfig>, StartError> {
        let clients = match &self.client_ca {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone())?;
                WebPkiClientVerifier::builder_with_provider(roots.into(), tls::provider())
                    .allow_unauthenticated()
                    .build()?
            }
        };
        Ok(tls::server::config(self.chain.clone(), self.key.clone_key(), clients)?)
    }
}

// === impl Serving ===

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and all connections; the address is free when this returns.
    pub async fn stop(mut self) {
        self.task.abort();
        // The error means that the task was aborted.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(mut listener: Box<dyn Listener>, acceptor: TlsAcceptor, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    connections.spawn(serve(stream, from, acceptor.clone(), router.clone()));
                }
                Err(_) => sleep(ACCEPT_RETRY).await,
            },
        }
    }
}

/// One connection. An error of TLS or HTTP ends it, as on the real server, which only logs it.
async fn serve(stream: Stream, from: SocketAddr, acceptor: TlsAcceptor, router: Router) {
    let Ok(Ok(stream)) = timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await else { return };
    let (_, session) = stream.get_ref();
    let http2 = session.alpn_protocol() == Some(b"h2");
    let certificates = session.peer_certificates().unwrap_or_default().to_vec().into();
    let peer = Peer { address: from, certificates };
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let io = TokioIo::new(stream);
    let _ = if http2 {
        http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
    } else {
        http1::Builder::new().serve_connection(io, service).await
    };
}
