//! Requests passed on to a backend or a kubelet, and their answers.

use std::{fmt::Write, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use net::Network;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::authn::User;

/// How long connecting to a backend may take. The real API server knows beforehand which backends
/// do not answer and refuses at once; a short timeout simulates that.
const DIAL_LIMIT: Duration = Duration::from_secs(5);

/// How long a request may take from its beginning to the last byte of the response.
const REQUEST_LIMIT: Duration = Duration::from_mins(1);

/// The largest answer that is passed back.
const ANSWER_LIMIT: usize = 1 << 30;

/// Headers that concern one connection only.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForwardError {
    /// The address does not take the connection.
    #[error("dial tcp {address}: {}", go_message(source))]
    Dial { address: SocketAddr, source: io::Error },
    /// TLS fails.
    #[error("tls: {0}")]
    Tls(io::Error),
    /// The connection ends before the answer.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The request as it came cannot be written again.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// The answer does not come in time.
    #[error("net/http: request canceled")]
    Late,
}

/// The way to another server.
pub(super) struct Route<'a> {
    pub(super) network: &'a dyn Network,
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

/// A request to pass on.
pub(super) struct ProxyRequest<'a> {
    pub(super) method: &'a Method,
    pub(super) path_and_query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
    /// Named in `X-Remote-*` headers. None for kubelets, which authenticate this server only.
    pub(super) user: Option<&'a User>,
    /// Where it comes from, if it came over the network.
    pub(super) from: Option<SocketAddr>,
}

/// The connection under an answer, which ends with it.
struct Connection(JoinHandle<()>);

/// Sends the request over a connection of its own. The answer's body follows as it comes.
pub(super) async fn forward(
    to: Route<'_>,
    request: ProxyRequest<'_>,
) -> Result<Response, ForwardError> {
    let ends = Instant::now() + REQUEST_LIMIT;
    let address = to.address;
    let stream = timeout(DIAL_LIMIT, to.network.connect(address))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|source| ForwardError::Dial { address, source })?;
    let connector = TlsConnector::from(to.tls);
    let stream = timeout_at(ends, connector.connect(to.name, stream))
        .await
        .map_err(|_| ForwardError::Late)?
        .map_err(ForwardError::Tls)?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = Connection(tokio::spawn(async move {
        // Errors are reported by the request.
        let _ = driver.await;
    }));
    let response = timeout_at(ends, sender.send_request(outgoing(address, &request)?))
        .await
        .map_err(|_| ForwardError::Late)??;
    let (mut head, body) = response.into_parts();
    for name in &HOP_BY_HOP {
        head.headers.remove(name);
    }
    let body = Body::new(Limited::new(body, ANSWER_LIMIT)).into_data_stream();
    let body = stream::unfold(Some((body, connection)), move |state| async move {
        let (mut body, connection) = state?;
        match timeout_at(ends, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(data))) => Some((Ok(data), Some((body, connection)))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    });
    Ok(Response::from_parts(head, Body::from_stream(body)))
}

// === impl Connection ===

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn outgoing(
    address: SocketAddr,
    request: &ProxyRequest<'_>,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut outgoing = Request::builder()
        .method(request.method.clone())
        .uri(request.path_and_query)
        .body(Full::new(request.body.clone()))?;
    let headers = outgoing.headers_mut();
    for (name, value) in request.headers {
        if passes(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::HOST, HeaderValue::try_from(address.to_string())?);
    if let Some(from) = request.from {
        let from = HeaderValue::try_from(from.ip().to_string())?;
        headers.append(HeaderName::from_static("x-forwarded-for"), from);
    }
    if let Some(user) = request.user {
        name_user(headers, user)?;
    }
    Ok(outgoing)
}

/// Whether the other server gets a header of the client. Only this server may set the headers of
/// the user.
fn passes(name: &HeaderName) -> bool {
    *name != header::AUTHORIZATION
        && *name != header::HOST
        && *name != header::CONTENT_LENGTH
        && !name.as_str().starts_with("x-remote-")
        && !HOP_BY_HOP.contains(name)
}

fn name_user(headers: &mut HeaderMap, user: &User) -> Result<(), http::Error> {
    const USER: HeaderName = HeaderName::from_static("x-remote-user");
    const GROUP: HeaderName = HeaderName::from_static("x-remote-group");
    headers.insert(USER, HeaderValue::from_bytes(user.name.as_bytes())?);
    for group in &user.groups {
        headers.append(GROUP, HeaderValue::from_bytes(group.as_bytes())?);
    }
    for (key, values) in &user.extra {
        let name = HeaderName::try_from(format!("x-remote-extra-{}", in_header_name(key)))?;
        for value in values {
            headers.append(&name, HeaderValue::from_bytes(value.as_bytes())?);
        }
    }
    Ok(())
}

/// A key as part of a header's name: what may not stand there is percent-encoded.
fn in_header_name(key: &str) -> String {
    let mut name = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte) {
            name.push(char::from(byte).to_ascii_lowercase());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02x}");
        }
    }
    name
}

/// The common causes as Go's `net` package writes them.
fn go_message(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        _ => error.to_string(),
    }
}
