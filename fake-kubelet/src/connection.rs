//! Connections to one of a kubelet's addresses: accepted, with their faults, TLS and HTTP.
//!
//! An accept loop of its own, because a kubelet's faults can keep it from starting TLS, it keeps
//! its port while it changes, and it writes header names as Go does.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use cluster_format::TlsFault;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use net::{ByteStream, Listener, Stream};
use rustls::pki_types::CertificateDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    faults::{ActiveFaults, ConnectionFaults},
    faulty_stream::FaultyStream,
    handler::RequestHandler,
    tls,
};

/// A connection that has not finished its TLS handshake by then is closed.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// `IdleTimeout` of the kubelet's HTTP server.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// The least that hyper allows: requests are small and connections many.
const BUFFER: usize = 8192;

/// A TLS record with the fatal alert 80.
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// The client of a connection.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// As it presented them, not verified.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

/// Serves the connections of one address under one policy.
#[derive(Clone)]
pub(crate) struct ConnectionHandler {
    pub(crate) handler: Arc<RequestHandler>,
    pub(crate) active_faults: Arc<ActiveFaults>,
    pub(crate) tls: Arc<tls::ConfigSet>,
    pub(crate) at: SocketAddr,
}

// === impl ConnectionHandler ===

impl ConnectionHandler {
    /// Accepts connections and serves them until it is dropped, and the connections with it.
    pub(crate) async fn accept_all(&self, listener: &mut dyn Listener) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        self.handler.observer.connection(&self.handler.name, self.at, from);
                        let faults = self.active_faults.for_connection(self.at.ip());
                        open.spawn(self.clone().handle(stream, from, faults));
                    }
                    Err(error) => {
                        tracing::debug!(err = %error, "Failed to accept a connection");
                        // Out of file descriptors, most likely: wait until some are closed.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                },
                Some(_) = open.join_next() => {}
            }
        }
    }

    async fn handle(self, mut stream: Stream, from: SocketAddr, faults: ConnectionFaults) {
        if faults.silence {
            return drain(&mut stream).await;
        }
        let mut stream = FaultyStream::wrap(stream, &faults);
        match faults.tls {
            Some(TlsFault::InternalError) => {
                // An error means that the client has closed the connection.
                let _ = send_alert(&mut stream).await;
            }
            Some(TlsFault::Plaintext) => {
                let peer = Peer { address: from, certificates: Vec::new() };
                self.serve(stream, &peer).await;
            }
            fault => {
                let demanded = fault == Some(TlsFault::ClientCertificate);
                if let Some(config) = self.tls.get(&(faults.certificate.clone(), demanded)) {
                    self.handshake(stream, from, TlsAcceptor::from(Arc::clone(config))).await;
                }
            }
        }
    }

    async fn handshake(&self, stream: Stream, from: SocketAddr, acceptor: TlsAcceptor) {
        let stream = match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(peer = %from, err = %error, "TLS handshake failed");
                return;
            }
            Err(_) => return,
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = Peer { address: from, certificates: certificates.to_vec() };
        self.serve(stream, &peer).await;
    }

    async fn serve(&self, stream: impl ByteStream, peer: &Peer) {
        let service = service_fn(move |request: http::Request<Incoming>| async move {
            let (parts, _) = request.into_parts();
            self.handler.handle(self.at, peer, &parts, &self.active_faults).await
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT)
            .max_buf_size(BUFFER)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(peer = %peer.address, err = %error, "Connection ended");
        }
    }
}

/// Reads and discards until the client closes the connection.
async fn drain(stream: &mut Stream) {
    let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
}

/// Ends the handshake as a Go server without a certificate does.
async fn send_alert(stream: &mut Stream) -> io::Result<()> {
    // The ClientHello, or the beginning of it: its content does not matter.
    let _ = stream.read(&mut [0; BUFFER]).await?;
    stream.write_all(&INTERNAL_ERROR).await?;
    stream.shutdown().await?;
    drain(stream).await;
    Ok(())
}
