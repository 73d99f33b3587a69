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
use http::{HeaderValue, Request, Response, Uri, header};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
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
use net::{
    Doors, Stream,
    dial::Dialer,
    dns::Resolver,
    proxy::{Proxy, ProxyUrlError},
};
use parking_lot::Mutex;
use rustls::{client::ResolvesClientCert, sign::CertifiedKey};
use tokio::time::Instant;
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    body_timeout::BodyTimeout,
    credentials::{Credentials, WithCredentials},
    exec::ExecError,
    retry_after::RetryAfter,
    tls::{TlsOptionsError, tls_options},
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
    /// The kubeconfig's proxy cannot be used.
    #[error("failed to use proxy-url: {0}")]
    Proxy(#[from] ProxyUrlError),
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

/// Requests over connections that are made with the current client certificate: another certificate
/// gets other connections, as in client-go.
#[derive(Clone)]
struct Transport {
    identity: Option<Arc<dyn ResolvesClientCert>>,
    connector: HttpsConnector<Connector>,
    current: Arc<Mutex<(Option<Arc<CertifiedKey>>, Pool)>>,
}

/// Connections that are kept for further requests.
type Pool = HttpClient<HttpsConnector<Connector>, Body>;

/// Makes a client for `config` that uses the clock, network and randomness of `doors`, with
/// `user_agent`. It differs from kube's own stack in this: proxies, credentials and certificates are
/// client-go's, and files are read again when they change.
pub fn api_client(
    config: &Config,
    doors: &Doors,
    resolver: Resolver,
    user_agent: &'static str,
) -> Result<ApiClient, ApiClientError> {
    let credentials = Credentials::new(&config.auth_info, doors)?;
    api_client_with(config, credentials, doors, resolver, user_agent)
}

/// [`api_client`] with the credentials of `config`, which others use too.
pub fn api_client_with(
    config: &Config,
    credentials: Credentials,
    doors: &Doors,
    resolver: Resolver,
    user_agent: &'static str,
) -> Result<ApiClient, ApiClientError> {
    let options = tls_options(config, &credentials, doors)?;
    let identity = options.identity.clone();
    let tls = client_config(options, &doors.clock)?;
    let mut tls = Arc::unwrap_or_clone(tls);
    // HTTP/1.1 is what the connector supports.
    tls.alpn_protocols = Vec::new();
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|_| ApiClientError::ServerName(name.clone()))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let dialer = Dialer::new(doors.clone(), resolver).through(proxy(config)?);
    let transport =
        Transport::new(identity, builder.enable_http1().wrap_connector(Connector(dialer)));
    let mut config = config.clone();
    (config.auth_info.token, config.auth_info.token_file) = (None, None);
    config.auth_info.exec = None;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer_fn(move |service| WithCredentials::new(credentials.clone(), service))
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
        .service(transport);
    Ok(Client::new(BoxCloneSyncService::new(service), config.default_namespace.clone()))
}

/// The proxy that `config` names, if it names one.
pub fn proxy(config: &Config) -> Result<Option<Proxy>, ApiClientError> {
    Ok(config.proxy_url.as_ref().map(|url| url.to_string().parse()).transpose()?)
}

// === impl Transport ===

impl Transport {
    fn new(
        identity: Option<Arc<dyn ResolvesClientCert>>,
        connector: HttpsConnector<Connector>,
    ) -> Self {
        let current = Arc::new(Mutex::new((None, pool(connector.clone()))));
        Self { identity, connector, current }
    }

    fn current(&self) -> Pool {
        let certificate = self.identity.as_ref().and_then(|identity| identity.resolve(&[], &[]));
        let mut current = self.current.lock();
        let address = |pair: &Option<Arc<CertifiedKey>>| pair.as_ref().map(Arc::as_ptr);
        if address(&current.0) != address(&certificate) {
            *current = (certificate, pool(self.connector.clone()));
        }
        current.1.clone()
    }
}

impl tower::Service<Request<Body>> for Transport {
    type Response = Response<hyper::body::Incoming>;
    type Error = hyper_util::client::legacy::Error;
    type Future = hyper_util::client::legacy::ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.current().request(request)
    }
}

fn pool(connector: HttpsConnector<Connector>) -> Pool {
    HttpClient::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
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
            let (scheme, default) =
                if uri.scheme_str() == Some("http") { ("http", 80) } else { ("https", 443) };
            let port = uri.port_u16().unwrap_or(default);
            let stream = dialer.dial(scheme, host, port, Instant::now() + CONNECT_LIMIT).await;
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
