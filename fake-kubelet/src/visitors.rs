//! Those who connect to one of a kubelet's addresses.
//!
//! An accept loop apart from `metrics_server::serving`, because a kubelet can be silent before TLS
//! begins, keeps its port while it changes, and spells its headers as Go does.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_server::{
    doors::{Listener, Stream},
    serving::Peer,
};
use rustls::ServerConfig;
use tokio::{task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::answers::Answers;

/// Those who have not finished their TLS handshake by then are let go, lest they pile up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// `IdleTimeout` of the kubelet's HTTP server.
const IDLE_LIMIT: Duration = Duration::from_secs(90);

/// The least that hyper allows: requests are small and connections many.
const BUFFER: usize = 8192;

/// Where visitors come in, and who answers them.
#[derive(Clone)]
pub(crate) struct Visitors {
    pub(crate) answers: Arc<Answers>,
    pub(crate) at: SocketAddr,
}

// === impl Visitors ===

impl Visitors {
    /// Accepts connections and serves them; without TLS it only accepts them. Goes on until it is
    /// dropped, and the connections with it.
    pub(crate) async fn receive(
        &self,
        listener: &mut dyn Listener,
        tls: Option<Arc<ServerConfig>>,
    ) {
        let acceptor = tls.map(TlsAcceptor::from);
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        self.answers.observer.connection(&self.answers.name, self.at, from);
                        open.spawn(self.clone().visit(stream, from, acceptor.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(err = %error, "Failed to accept a connection");
                        // Out of file descriptors, most likely: let some close first.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                },
                Some(_) = open.join_next() => {}
            }
        }
    }

    async fn visit(self, mut stream: Stream, from: SocketAddr, acceptor: Option<TlsAcceptor>) {
        match acceptor {
            Some(acceptor) => self.serve(stream, from, acceptor).await,
            None => {
                // Until the other end is tired of it.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            }
        }
    }

    async fn serve(&self, stream: Stream, from: SocketAddr, acceptor: TlsAcceptor) {
        let stream = match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(peer = %from, err = %error, "TLS handshake failed");
                return;
            }
            Err(_) => return,
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = &Peer { address: from, certificates: certificates.to_vec().into() };
        let service = service_fn(move |request: http::Request<Incoming>| async move {
            let (parts, _) = request.into_parts();
            Ok::<_, Infallible>(self.answers.answer(self.at, peer, &parts).await)
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT)
            .max_buf_size(BUFFER)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(peer = %from, err = %error, "Connection ended");
        }
    }
}
