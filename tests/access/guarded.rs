//! A server behind TLS in memory, and its clients.

use std::{io, net::SocketAddr, sync::Arc};

use apiserver::serving::{self, Limits, Secure};
use async_trait::async_trait;
use axum::Router;
use fake_kubelet::Identity;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use metrics_server::flags::Flags;
use net::{Clock, Doors, Listener, Stream};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tls::x509::AcceptAny;
use tokio::{
    io::duplex,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A server that answers with the authenticated user.
pub(crate) struct Guarded {
    network: mpsc::UnboundedSender<(Stream, SocketAddr)>,
    serving: Task,
    tasks: Vec<Task>,
    stop: watch::Sender<bool>,
}

/// A task that ends with its owner.
struct Task(JoinHandle<()>);

/// A connection to a guarded server.
pub(crate) enum Connection {
    Http1(hyper::client::conn::http1::SendRequest<Empty<bytes::Bytes>>),
    Http2(hyper::client::conn::http2::SendRequest<Empty<bytes::Bytes>>),
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

// === impl Guarded ===

impl Guarded {
    /// Serves `router`.
    pub(crate) fn start(clock: &Clock, limits: Limits, router: Router) -> Self {
        let (network, incoming) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let flags = Flags::parse_from_args(["--cert-dir=".to_owned()]).unwrap();
        let doors = Doors { clock: clock.clone(), ..Doors::host() };
        let unspecified = flags.serving.bind_address;
        let tls = Secure::new(&(&flags.serving).into(), unspecified, &doors).unwrap().tls;
        let listener = Box::new(Memory(incoming));
        let observer = Arc::new(|_| {});
        let served = serving::serve_within(limits, listener, tls, router, stopped, observer);
        Self { network, serving: Task(tokio::spawn(served)), tasks: Vec::new(), stop }
    }

    /// Does something besides for as long as it serves.
    pub(crate) fn keep(&mut self, doing: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(Task(tokio::spawn(doing)));
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(&mut self) {
        (&mut self.serving.0).await.unwrap();
    }

    /// Whether connections are accepted.
    pub(crate) fn listens(&self) -> bool {
        !self.network.is_closed()
    }

    /// A TCP connection on which nothing has been sent.
    pub(crate) fn dial(&self) -> Stream {
        self.dial_from("192.0.2.1")
    }

    /// The same from another host.
    pub(crate) fn dial_from(&self, host: &str) -> Stream {
        let (near, far) = duplex(64 << 10);
        let from = SocketAddr::new(host.parse().unwrap(), 40_000);
        self.network.send((Box::new(far), from)).unwrap();
        Box::new(near)
    }

    /// An HTTP/2 connection with a window of this many bytes for each response.
    pub(crate) async fn connect_with_window(
        &self,
        identity: Option<&Identity>,
        window: u32,
    ) -> Connection {
        let stream = TokioIo::new(self.handshake(identity, b"h2").await.unwrap());
        let (sender, driver) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(stream)
            .await
            .unwrap();
        tokio::spawn(driver);
        Connection::Http2(sender)
    }

    pub(crate) async fn connect(&self, identity: Option<&Identity>) -> Connection {
        self.connect_speaking(identity, b"http/1.1").await.unwrap()
    }

    /// A connection after its TLS handshake.
    pub(crate) async fn raw(
        &self,
        identity: Option<&Identity>,
        protocol: &[u8],
    ) -> TlsStream<Stream> {
        self.handshake(identity, protocol).await.unwrap()
    }

    /// A connection whose client sends these intermediates as well.
    pub(crate) async fn connect_with(
        &self,
        identity: &Identity,
        intermediates: &[CertificateDer<'static>],
    ) -> Connection {
        let chain = [identity.chain(), intermediates.to_vec()].concat();
        let stream = self.handshake_with(Some((chain, identity.key())), b"http/1.1").await;
        Connection::http1(stream.unwrap()).await.unwrap()
    }

    async fn handshake(
        &self,
        identity: Option<&Identity>,
        protocol: &[u8],
    ) -> io::Result<TlsStream<Stream>> {
        let shows = identity.map(|identity| (identity.chain(), identity.key()));
        self.handshake_with(shows, protocol).await
    }

    async fn handshake_with(
        &self,
        shows: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
        protocol: &[u8],
    ) -> io::Result<TlsStream<Stream>> {
        let verifier = Arc::new(AcceptAny);
        let config = rustls::ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match shows {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("metrics-server.kube-system.svc").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.dial()).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        Ok(stream)
    }

    pub(crate) async fn connect_speaking(
        &self,
        identity: Option<&Identity>,
        protocol: &[u8],
    ) -> io::Result<Connection> {
        let stream = self.handshake(identity, protocol).await?;
        Ok(if protocol == b"h2" {
            let stream = TokioIo::new(stream);
            let (sender, driver) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .handshake(stream)
                .await
                .map_err(io::Error::other)?;
            tokio::spawn(driver);
            Connection::Http2(sender)
        } else {
            Connection::http1(stream).await?
        })
    }

    /// One request over a connection of its own.
    pub(crate) async fn ask(
        &self,
        identity: Option<&Identity>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.connect(identity).await.get(path, headers).await
    }

    /// One request with a token.
    pub(crate) async fn ask_with_token(&self, token: &str, path: &str) -> Answer {
        self.ask(None, path, &[("authorization", &format!("Bearer {token}"))]).await
    }
}

// === impl Connection ===

impl Connection {
    async fn http1(stream: TlsStream<Stream>) -> io::Result<Self> {
        let stream = TokioIo::new(stream);
        let (sender, driver) =
            hyper::client::conn::http1::handshake(stream).await.map_err(io::Error::other)?;
        tokio::spawn(driver);
        Ok(Self::Http1(sender))
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers).await.unwrap()
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> hyper::Result<Answer> {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.begin(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        // Protobuf is no text.
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// The head of a response whose body is not read yet.
    pub(crate) async fn head(&mut self, path: &str) -> hyper::Result<http::Response<Incoming>> {
        self.begin(http::Request::builder().method("GET").uri(path)).await
    }

    async fn begin(
        &mut self,
        request: http::request::Builder,
    ) -> hyper::Result<http::Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                let request = request.header("host", "metrics-server").body(Empty::new()).unwrap();
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                let path = request.uri_ref().unwrap().to_string();
                let uri = format!("https://metrics-server{path}");
                let request = request.uri(uri).body(Empty::new()).unwrap();
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender) => sender.is_closed(),
        }
    }
}

// === impl Answer ===

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The user that the handler got, of a request that was allowed.
    pub(crate) fn user(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["user"].clone()
    }

    /// Status and message, or the user's name.
    pub(crate) fn short(&self) -> String {
        match self.status.as_u16() {
            200 => self.json()["user"]["name"].as_str().unwrap().to_owned(),
            status if self.body.starts_with('{') => {
                format!("{status} {}", self.json()["message"].as_str().unwrap())
            }
            status => format!("{status} {}", self.body),
        }
    }
}

// === impl Task ===

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A listening socket in memory.
struct Memory(mpsc::UnboundedReceiver<(Stream, SocketAddr)>);

#[async_trait]
impl Listener for Memory {
    async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        match self.0.recv().await {
            Some(accepted) => Ok(accepted),
            None => std::future::pending().await,
        }
    }

    fn local(&self) -> SocketAddr {
        "192.0.2.9:10250".parse().unwrap()
    }
}
