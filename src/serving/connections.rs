//! An accept loop of our own, because a TLS handshake must not hold up the next connection and a
//! handler must see the peer's certificates.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{ServerConfig, pki_types::CertificateDer};
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::doors::{Listener, Stream};

/// A peer that has not finished its TLS handshake by then is let go.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long a peer may take to send a request's headers. Go's default for servers built on
/// `net/http` in Kubernetes is 32 s.
const HEADER_LIMIT: Duration = Duration::from_secs(32);

/// Who is at the other end of the connection that a request came over: an extension of every
/// request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificates it showed, leaf first; empty when it showed none. Whether they are to be
    /// believed is for the TLS configuration's verifier and the handler to say.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Serves `router` over TLS until `stop` says true or its sender is gone, then drops what is
/// still open. Dropping the future does the same.
pub async fn serve(
    mut listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut open = JoinSet::new();
    let mut stopped = pin!(async move { drop(stop.wait_for(|stop| *stop).await) });
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    open.spawn(serve_one(stream, from, acceptor.clone(), router.clone()));
                }
                Err(error) => {
                    tracing::debug!(err = %error, "Failed to accept a connection");
                    // Out of file descriptors, most likely: let some close before the next try.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = open.join_next() => {}
        }
    }
}

async fn serve_one(stream: Stream, from: SocketAddr, acceptor: TlsAcceptor, router: Router) {
    let stream = match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(peer = %from, err = %error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let peer = Peer {
        address: from,
        certificates: certificates.iter().map(|der| der.clone().into_owned()).collect(),
    };
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request.map(axum::body::Body::new)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(peer = %from, err = %error, "Connection ended");
    }
}
