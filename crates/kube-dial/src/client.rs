//! A Kubernetes client that takes network, clock and randomness from `crates/net`.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::tls::client::client_config;
use http::{HeaderValue, Request, Uri, header};
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
use net::{Doors, Stream, dial::Dialer, dns::Resolver};
use tokio::time::Instant;
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    body_timeout::BodyTimeout,
    exec::ExecError,
    retry_after::RetryAfter,
    tls::{TlsOptionsError, tls_options},
    token::{BearerToken, WithToken},
};

/// client-go's default.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// How long a response may take to begin, the TLS handshake included.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A client for the API server.
pub type ApiClient = Client;

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ApiClientError {
    /// The kubeconfig's credentials or certificates cannot be used.
    #[error("failed to use the credentials for the API server: {0}")]
    Config(#[from] kube::Error),
    /// The kubeconfig's credential plugin cannot be used.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The kubeconfig's certificates cannot be used.
    #[error(transparent)]
    TlsOptions(#[from] TlsOptionsError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The kubeconfig's `tls-server-name` is no name.
    #[error("failed to use tls-server-name {0:?}: not a host name")]
    ServerName(String),
}

/// Opens connections to the host and port of a URI.
#[derive(Clone)]
struct Connector(Dialer);

/// A stream that hyper can use.
struct Dialed(TokioIo<Stream>);

/// Makes a client for `config` that uses the clock, network and randomness of `doors`, with
/// `user_agent`. It differs from kube's own stack in two points: proxies from the environment are
/// not used, and a token's file is read again as other files are.
pub fn api_client(
    config: &Config,
    doors: &Doors,
    resolver: Resolver,
    user_agent: &'static str,
) -> Result<ApiClient, ApiClientError> {
    let token = BearerToken::new(&config.auth_info, doors)?;
    api_client_with_token(config, token, doors, resolver, user_agent)
}

/// [`api_client`] with the token of `config`, which others send too.
pub fn api_client_with_token(
    config: &Config,
    token: BearerToken,
    doors: &Doors,
    resolver: Resolver,
    user_agent: &'static str,
) -> Result<ApiClient, ApiClientError> {
    let tls = client_config(tls_options(config, doors)?, &doors.clock)?;
    let mut tls = Arc::unwrap_or_clone(tls);
    // HTTP/1.1 is what the connector supports.
    tls.alpn_protocols = Vec::new();
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|_| ApiClientError::ServerName(name.clone()))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector =
        builder.enable_http1().wrap_connector(Connector(Dialer::new(doors.clone(), resolver)));
    let http = HttpClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build::<_, Body>(connector);
    let mut config = config.clone();
    (config.auth_info.token, config.auth_info.token_file) = (None, None);
    config.auth_info.exec = None;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer_fn(move |service| WithToken::new(token.clone(), service))
        // Impersonation that the kubeconfig configures.
        .layer(config.extra_headers_layer()?)
        .map_request(move |mut request: Request<Body>| {
            // Audit logs and the API server's own metrics identify clients by it.
            let agent = HeaderValue::from_static(user_agent);
            request.headers_mut().entry(header::USER_AGENT).or_insert(agent);
            request
        })
        .layer_fn(RetryAfter::new)
        .map_err(tower::BoxError::from)
        .timeout(ANSWER_LIMIT)
        .layer_fn(BodyTimeout::new)
        .service(http);
    Ok(Client::new(BoxCloneSyncService::new(service), config.default_namespace.clone()))
}

// === impl Connector ===

impl tower::Service<Uri> for Connector {
    type Response = Dialed;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Dialed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self(dialer) = self.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
            let port = uri.port_u16().unwrap_or(default);
            let stream = dialer.dial(host, port, Instant::now() + CONNECT_LIMIT).await;
            stream
                .map(|stream| Dialed(TokioIo::new(stream)))
                // Its own text is shown, not that of its sources.
                .map_err(|error| io::Error::other(error.to_string()))
        })
    }
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
