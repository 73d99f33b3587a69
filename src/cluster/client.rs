//! A Kubernetes client that goes out through the doors.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client as HttpClient,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt},
};
use tokio::time::{Instant, timeout_at};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    dns::Resolver,
    doors::{Doors, Network, Stream},
    errno,
    kubelet::follow_clock,
};

/// client-go's default.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long an answer may take to begin, the TLS handshake included. The body may take longer: that
/// of a watch does.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A client for the API server.
pub type ApiClient = Client;

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ApiClientError {
    /// The kubeconfig's credentials or certificates cannot be used.
    #[error("use the credentials for the API server: {0}")]
    Config(#[from] kube::Error),
    /// The kubeconfig's `tls-server-name` is no name.
    #[error("use tls-server-name {0:?}: it is not a host name")]
    ServerName(String),
}

/// Opens connections to wherever a URI points.
#[derive(Clone)]
struct Dialer {
    doors: Doors,
    resolver: Resolver,
}

/// A stream that hyper can use.
struct Dialed(TokioIo<Stream>);

/// Makes a client for `config` that goes out through `doors`. Differs from kube's own stack in
/// this, and in that proxies from the environment are not used.
pub fn api_client(
    config: &Config,
    doors: &Doors,
    resolver: Resolver,
) -> Result<ApiClient, ApiClientError> {
    let mut tls = config.rustls_client_config()?;
    follow_clock(&mut tls, &doors.clock);
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|_| ApiClientError::ServerName(name.clone()))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector =
        builder.enable_http1().wrap_connector(Dialer { doors: doors.clone(), resolver });
    let http = HttpClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(tower::BoxError::from)
        .timeout(ANSWER_LIMIT)
        .service(http);
    Ok(Client::new(BoxCloneSyncService::new(service), config.default_namespace.clone()))
}

// === impl Dialer ===

impl tower::Service<Uri> for Dialer {
    type Response = Dialed;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Dialed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { doors, resolver } = self.clone();
        Box::pin(async move {
            dial(&doors, &resolver, &uri).await.map(|stream| Dialed(TokioIo::new(stream)))
        })
    }
}

async fn dial(doors: &Doors, resolver: &Resolver, uri: &Uri) -> io::Result<Stream> {
    let deadline = Instant::now() + CONNECT_LIMIT;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    let addresses = resolver
        .lookup(host, deadline)
        .await
        .map_err(|error| io::Error::other(format!("dial tcp: {error}")))?;
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for ip in addresses {
        let to = SocketAddr::new(ip, port);
        match timeout_at(deadline, Network::connect(&*doors.network, to)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                last = io::Error::new(
                    error.kind(),
                    format!("dial tcp {to}: {}", errno::describe("dial", &error)),
                );
            }
            Err(_) => {
                last =
                    io::Error::new(io::ErrorKind::TimedOut, format!("dial tcp {to}: i/o timeout"));
            }
        }
    }
    Err(last)
}

// === impl Dialed ===

impl Connection for Dialed {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Dialed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Dialed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
