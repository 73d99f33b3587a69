//! One accepted connection: its TLS handshake, then HTTP/1.1 or HTTP/2 until its end.

use std::{
    convert::Infallible,
    error::Error,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::ready,
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use net::Stream;
use rustls::{ServerConfig, pki_types::CertificateDer, server::Acceptor};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tower::ServiceExt;

use super::{
    Closed, ConnectionHandle, Event, Exchange, Limits, Observer,
    connection_table::Place,
    handshake_failure::{HandshakeFailure, HandshakeLog},
    host,
    idle::Requests,
    large_headers::{self, Bounded, Brought, LargeHeaders},
    streams::{self, Streams},
    turns::{Lane, Turns},
    write_timeout::WriteTimeout,
};
use crate::access::VerifiedCertificates;

/// A window that no request needs: none has a large body.
const WINDOW: u32 = 64 << 10;

/// Headers of a request over HTTP/1.1. A user's groups have one each. Go has no such limit; a `HeaderMap`
/// takes 24,576 names.
const MOST_HEADERS: usize = 16_384;

/// How long a peer without requests has to close an HTTP/2 connection after GOAWAY, as in Go's
/// net/http.
const GOAWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// Who is at the other end of the connection that a request came over: an extension of every
/// request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The certificates that the client presented, leaf first; empty when there were none. The
    /// handshake proved that it has the leaf's key; whether they are trusted is decided by the TLS
    /// configuration's verifier and the handler.
    pub certificates: Arc<[CertificateDer<'static>]>,
    /// Whether they are valid, once that is known.
    pub verified: VerifiedCertificates,
}

/// An extension of a response after which an HTTP/2 connection takes no further requests.
#[derive(Clone, Copy, Debug)]
pub struct LastOfConnection;

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) limits: Limits,
    pub(super) address: SocketAddr,
    pub(super) place: Place,
    pub(super) router: Router,
    pub(super) observer: Observer,
    pub(super) turns: Turns,
    pub(super) handshakes: Arc<HandshakeLog>,
    pub(super) large_headers: LargeHeaders,
}

/// What every request over a connection needs.
#[derive(Clone)]
struct Context {
    limits: Limits,
    router: Router,
    peer: Peer,
    connection: ConnectionHandle,
    requests: Requests,
    observer: Observer,
    turns: Turns,
    brought: Brought,
}

// === impl Peer ===

impl Peer {
    /// At the other end of a new connection.
    pub fn new(address: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        let verified = VerifiedCertificates::default();
        Self { address, certificates: certificates.into(), verified }
    }
}

// === impl Connection ===

impl Connection {
    /// Serves it until it ends or is evicted.
    pub(super) async fn serve(self, stream: Stream, tls: Arc<ServerConfig>) {
        let handle = self.place.handle().clone();
        tokio::select! {
            biased;
            () = handle.evicted() => {}
            () = self.serve_stream(stream, tls) => {}
        }
    }

    async fn serve_stream(&self, stream: Stream, tls: Arc<ServerConfig>) {
        let peer = self.address;
        let failed = |closed, failure, error: &dyn Error| {
            (self.observer)(Event::Closed(closed));
            (self.observer)(Event::HandshakeFailed(failure));
            self.handshakes.failed(failure, peer, error);
        };
        let stream = WriteTimeout::new(stream, self.limits.write_timeout);
        let handle = self.place.handle();
        let shaken = async {
            // Reading the ClientHello needs no turn: it costs next to nothing.
            let started = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            handle.handshake_begun();
            let mut turn = self.turns.lane(Lane::Handshake(peer.ip()));
            let mut accepting = Box::pin(started.into_stream(tls));
            poll_fn(|context| {
                ready!(turn.poll(context));
                turn.move_to(Lane::Finish(peer.ip()));
                accepting.as_mut().poll(context)
            })
            .await
        };
        let handshake = timeout(self.limits.handshake, shaken);
        let stream = tokio::select! {
            biased;
            () = handle.stopping() => return,
            shaken = handshake => match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    return failed(Closed::HandshakeFailed, HandshakeFailure::of(&error), &error);
                }
                Err(error) => {
                    return failed(Closed::HandshakeTimeout, HandshakeFailure::Timeout, &error);
                }
            }
        };
        handle.handshake_done();
        let (_, tls) = stream.get_ref();
        let certificates = tls.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|der| der.clone().into_owned()).collect();
        let is_http2 = tls.alpn_protocol() == Some(b"h2");
        let requests = Requests::over(handle.clone());
        let brought = self.large_headers.of(handle);
        let stream = brought.bound(stream);
        let context = Context {
            limits: self.limits,
            router: self.router.clone(),
            peer: Peer::new(peer, certificates),
            connection: handle.clone(),
            requests: requests.clone(),
            observer: self.observer.clone(),
            turns: self.turns.clone(),
            brought,
        };
        // In a box of their own: connections without a handshake are many, and so stay small.
        let served = if is_http2 {
            Box::pin(serve_http2(context, stream)).await
        } else {
            Box::pin(serve_http1(context, stream)).await
        };
        if let Err(error) = served {
            if error.is_parse_too_large() {
                self.large_headers.say_too_large(self.limits.header_bytes);
            }
            // Kubelets end each probe so.
            if !requests.is_idle() || !is_hung_up(&error) {
                tracing::debug!(%peer, err = %error, "Connection ended");
            }
        }
    }
}

/// Whether the peer is gone without `close_notify` (TLS) or GOAWAY (HTTP/2).
fn is_hung_up(error: &hyper::Error) -> bool {
    let cause = Error::source(error).and_then(<dyn Error>::downcast_ref);
    cause.is_some_and(|cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::NotConnected
        )
    })
}

async fn serve_http1(
    context: Context,
    stream: Bounded<TlsStream<WriteTimeout>>,
) -> hyper::Result<()> {
    let Context { limits, requests, observer, turns, peer, connection: handle, .. } =
        context.clone();
    let mut turn = turns.lane(Lane::Http1(peer.address.ip()));
    let current = watch::Sender::new(Exchange::begin());
    let mut exchanges = current.subscribe();
    let service = service_fn(move |request| {
        let exchange = Exchange::begin();
        current.send_replace(exchange.clone());
        context.clone().answer(|| exchange, request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .max_buf_size(limits.header_bytes as usize)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut served = poll_fn(|context| {
        ready!(turn.poll(context));
        connection.as_mut().poll(context)
    });
    let over = async {
        loop {
            let exchange = exchanges.borrow_and_update().clone();
            tokio::select! {
                biased;
                changed = exchanges.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                over = exchange.over(limits.answer) => if !requests.is_idle() {
                    return over;
                } else if exchanges.changed().await.is_err() {
                    return std::future::pending().await;
                },
            }
        }
    };
    let mut over = pin!(over);
    tokio::select! {
        biased;
        served = &mut served => return served,
        over = &mut over => {
            observer(over.into());
            return Ok(());
        }
        () = handle.stopping() => {}
    }
    if requests.is_idle() {
        return Ok(());
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        served = connection => served,
        over = over => {
            observer(over.into());
            Ok(())
        }
    }
}

async fn serve_http2(
    context: Context,
    stream: Bounded<TlsStream<WriteTimeout>>,
) -> hyper::Result<()> {
    let Context { limits, requests, observer, turns, connection: handle, .. } = context.clone();
    let last = Arc::new(Notify::new());
    let service = {
        let last = last.clone();
        service_fn(move |request| {
            let last = last.clone();
            let exchange = || streams::current().unwrap_or_else(Exchange::begin);
            let answered = context.clone().answer(exchange, request);
            async move {
                let response = answered.await?;
                if response.extensions().get::<LastOfConnection>().is_some() {
                    last.notify_one();
                }
                Ok::<_, Infallible>(response)
            }
        })
    };
    let mut connection = pin!(
        http2::Builder::new(Streams { limit: limits.answer, observer, turns })
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            // Twice as much, because what is refused here is not known of: see `LargeHeaders`.
            .max_header_list_size(limits.header_bytes.saturating_mul(2))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .serve_connection(TokioIo::new(stream), service)
    );
    let is_stopping = tokio::select! {
        biased;
        served = connection.as_mut() => return served,
        () = handle.stopping() => true,
        () = last.notified() => false,
        () = requests.idle_for(limits.idle) => false,
    };
    connection.as_mut().graceful_shutdown();
    if is_stopping {
        // The listener limits how long requests may take.
        return tokio::select! {
            biased;
            served = connection => served,
            () = requests.idle_for(GOAWAY_TIMEOUT) => Ok(()),
        };
    }
    // A peer that reads neither the responses nor GOAWAY gets a limited time: HTTP/2 lets it hold a
    // response back without a write that stalls.
    timeout(limits.write_timeout, connection).await.unwrap_or(Ok(()))
}

// === impl Context ===

impl Context {
    /// Answers a request, which is in flight from now on. Its exchange is known when the response
    /// is first polled.
    fn answer(
        self,
        exchange: impl FnOnce() -> Exchange,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> {
        let under_way = self.requests.begin();
        let admitted = self.brought.admit(&request, self.limits.header_bytes);
        async move {
            let exchange = exchange();
            let response = if let Some(refusal) = host::check(&request) {
                refusal
            } else if let Err(status) = admitted {
                large_headers::refusal(status)
            } else {
                let turn = self.connection.turn().await;
                let extensions = request.extensions_mut();
                extensions.insert(self.peer);
                extensions.insert(self.connection);
                extensions.insert(exchange.clone());
                let response = self.router.oneshot(request.map(Body::new)).await?;
                drop(turn);
                response
            };
            Ok(response.map(|body| under_way.until_sent(exchange.track(body))))
        }
    }
}
