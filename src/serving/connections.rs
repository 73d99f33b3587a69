//! An accept loop of our own, because a TLS handshake must not hold up the next connection and a
//! handler must see the peer's certificates.

use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use net::{Listener, Stream};
use rustls::{ServerConfig, pki_types::CertificateDer};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::ServiceExt;

use super::{Limits, busy::Busy, stall::Stall};

/// A window that no request needs: none has a large body.
const WINDOW: u32 = 64 << 10;

/// Who is at the other end of the connection that a request came over: an extension of every
/// request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificates it showed, leaf first; empty when it showed none. It has the leaf's key;
    /// whether they are to be believed is for the TLS configuration's verifier and the handler to
    /// say.
    pub certificates: Arc<[CertificateDer<'static>]>,
}

/// An extension of a response after which an HTTP/2 connection takes no further requests.
#[derive(Clone, Copy, Debug)]
pub struct LastOfConnection;

/// Serves `router` over TLS until `stop` says true or its sender is gone, then drops what is
/// still open. Dropping the future does the same.
pub async fn serve(
    listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    serve_within(Limits::default(), listener, tls, router, stop, || {}).await;
}

/// [`serve`] with limits of one's own. `panicked` is called for each connection that panics, which
/// costs that connection only.
pub async fn serve_within(
    limits: Limits,
    mut listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    router: Router,
    mut stop: watch::Receiver<bool>,
    panicked: impl Fn(),
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut open = JoinSet::new();
    let mut stopped = pin!(async move { drop(stop.wait_for(|stop| *stop).await) });
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            Some(ended) = open.join_next() => if ended.is_err() {
                panicked();
            },
            accepted = listener.accept() => match accepted {
                Ok((_, from)) if open.len() >= limits.connections => {
                    tracing::debug!(peer = %from, "Closed a connection: too many are open");
                }
                Ok((stream, from)) => {
                    open.spawn(serve_one(limits, stream, from, acceptor.clone(), router.clone()));
                }
                Err(error) => {
                    tracing::debug!(err = %error, "Failed to accept a connection");
                    // Out of file descriptors, most likely: let some close before the next try.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
        }
    }
}

async fn serve_one(
    limits: Limits,
    stream: Stream,
    from: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
) {
    let stream = Stall::new(stream, limits.stall);
    let stream = match timeout(limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(peer = %from, err = %error, "TLS handshake failed");
            return;
        }
        Err(_) => return,
    };
    let (_, tls) = stream.get_ref();
    let certificates = tls.peer_certificates().unwrap_or_default();
    let certificates = certificates.iter().map(|der| der.clone().into_owned()).collect();
    let peer = Peer { address: from, certificates };
    let served = if tls.alpn_protocol() == Some(b"h2") {
        serve_http2(limits, stream, peer, router).await
    } else {
        serve_http1(limits, stream, peer, router).await
    };
    if let Err(error) = served {
        tracing::debug!(peer = %from, err = %error, "Connection ended");
    }
}

async fn serve_http1(
    limits: Limits,
    stream: TlsStream<Stall>,
    peer: Peer,
    router: Router,
) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(limits.header_bytes as usize)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(&router, &peer, request)),
        )
        .with_upgrades()
        .await
}

async fn serve_http2(
    limits: Limits,
    stream: TlsStream<Stall>,
    peer: Peer,
    router: Router,
) -> hyper::Result<()> {
    let busy = Busy::default();
    let last = Arc::new(Notify::new());
    let service = {
        let (busy, last) = (busy.clone(), last.clone());
        service_fn(move |request| {
            let (under_way, last) = (busy.request(), last.clone());
            let answered = answer(&router, &peer, request);
            async move {
                let response = answered.await?;
                if response.extensions().get::<LastOfConnection>().is_some() {
                    last.notify_one();
                }
                Ok::<_, std::convert::Infallible>(response.map(|body| under_way.until_sent(body)))
            }
        })
    };
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.header_bytes)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        biased;
        served = connection.as_mut() => return served,
        () = last.notified() => {}
        () = busy.idle_for(limits.idle) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A peer that takes neither the answers nor the hint is not waited for for good: HTTP/2 lets it
    // hold an answer back without a write that stalls.
    timeout(limits.stall, connection).await.unwrap_or(Ok(()))
}

fn answer(
    router: &Router,
    peer: &Peer,
    mut request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<Body>, std::convert::Infallible>> + use<> {
    request.extensions_mut().insert(peer.clone());
    router.clone().oneshot(request.map(Body::new))
}
