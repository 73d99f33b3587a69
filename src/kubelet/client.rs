use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::AsyncReadExt,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{
    AddressTypes, Sample, ScrapeError,
    decode::{Decoded, decode},
    error::{BodyError, RequestError},
};
use crate::{
    cluster::Node,
    dns::Resolver,
    doors::{Doors, Stream},
};

/// Larger answers are refused: 500 pods of 20 containers make about 5 MB.
const BODY_LIMIT: usize = 32 << 20;

/// hyper's read buffer. Its default grows to 400 KiB a connection, which thousands of nodes pay.
const READ_BUFFER: usize = 8192;

/// Room for the answer of a kubelet with a hundred containers, so that it need not grow.
const USUAL_BODY: usize = 64 << 10;

const DEFAULT_PATH: &str = "/metrics/resource";

/// What is the same for all kubelets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Types of addresses in the order of preference.
    pub address_types: AddressTypes,
    /// The port of every kubelet.
    pub port: u16,
    /// Take the port from the node's status where it has one.
    pub use_node_status_port: bool,
}

/// Scrapes kubelets.
pub struct KubeletClient {
    doors: Doors,
    resolver: Resolver,
    settings: Settings,
    tls: Arc<ClientConfig>,
}

/// An open connection to a kubelet, kept from one scrape to the next: a handshake costs more than
/// everything else in a scrape.
///
/// It is kept as the bare stream: what HTTP needs on top of it, 24 KiB of buffers and a task, is
/// made for every scrape, because with thousands of nodes that is most of what would be kept.
pub struct Connection {
    authority: String,
    stream: Stream,
}

/// A connection with a request on its way.
struct Exchange {
    authority: String,
    sender: http1::SendRequest<Empty<Bytes>>,
    driver: Driver,
}

/// What moves bytes while a request is on its way; gives the stream back when the sender is gone.
struct Driver(JoinHandle<Option<Stream>>);

/// Where a node's kubelet is asked.
struct Target {
    host: String,
    port: u16,
    path: String,
}

// === impl KubeletClient ===

impl KubeletClient {
    /// A client that goes out through `doors`.
    pub fn new(
        doors: Doors,
        resolver: Resolver,
        settings: Settings,
        tls: Arc<ClientConfig>,
    ) -> Self {
        Self { doors, resolver, settings, tls }
    }

    /// The host and port at which a node would be asked, for messages.
    pub fn address(&self, node: &Node) -> String {
        self.target(node).map_or_else(|_| String::new(), |target| target.authority())
    }

    /// Scrapes `node` over `kept` or a new connection, which is left in `kept` when it can be used
    /// again. Ends at `deadline`.
    pub async fn scrape(
        &self,
        node: &Node,
        token: Option<&str>,
        kept: &mut Option<Connection>,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let target = self.target(node)?;
        let default_time = self.doors.clock.now().as_millisecond();
        let request = target.request(token)?;
        let (exchange, response) = self.answer(&target, &request, kept, deadline).await?;
        let status = response.status();
        // An error's body is worth nothing, but reading a short one saves the connection.
        let body = read_body(response.into_body(), deadline).await;
        if body.is_ok() {
            *kept = exchange.end().await;
        }
        if status != StatusCode::OK {
            return Err(ScrapeError::Status { status });
        }
        let body = body.map_err(ScrapeError::Body)?;
        let Decoded { sample, first_bad, bad_lines } = decode(&body, default_time)?;
        if let Some(error) = first_bad {
            tracing::warn!(node = node.name, lines = bad_lines, err = %error, "Passed over lines that cannot be read");
        }
        Ok(sample)
    }

    async fn answer(
        &self,
        target: &Target,
        request: &Request<Empty<Bytes>>,
        kept: &mut Option<Connection>,
        deadline: Instant,
    ) -> Result<(Exchange, Response<Incoming>), ScrapeError> {
        let authority = target.authority();
        let failed = |cause| ScrapeError::Request { url: target.url(), cause: Box::new(cause) };
        if let Some(mut open) = kept.take()
            && open.authority == authority
            && open.is_quiet()
        {
            match open.send(request.clone(), deadline).await {
                // The kubelet closed it while it was idle: that says nothing about a new one.
                Err(RequestError::Http(_)) => {}
                other => return other.map_err(failed),
            }
        }
        let fresh = self.connect(target, deadline).await.map_err(failed)?;
        fresh.send(request.clone(), deadline).await.map_err(failed)
    }

    async fn connect(
        &self,
        target: &Target,
        deadline: Instant,
    ) -> Result<Connection, RequestError> {
        let stream = self.dial(target, deadline).await?;
        let name = ServerName::try_from(target.host.clone())
            .map_err(|error| RequestError::Tls(error.to_string()))?;
        let handshake = TlsConnector::from(self.tls.clone()).connect(name, stream);
        let stream = match timeout_at(deadline, handshake).await {
            Ok(stream) => stream.map_err(|error| RequestError::from_handshake(&error))?,
            Err(_) => return Err(RequestError::TlsTimeout),
        };
        Ok(Connection { authority: target.authority(), stream: Box::new(stream) })
    }

    /// Tries the host's addresses in turn; the time left is shared out among them.
    async fn dial(&self, target: &Target, deadline: Instant) -> Result<Stream, RequestError> {
        let addresses = self.resolver.lookup(&target.host, deadline).await?;
        let mut left = addresses.len() as u32;
        let mut last = None;
        for ip in addresses {
            let to = SocketAddr::new(ip, target.port);
            let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
            left -= 1;
            last = match timeout_at(Instant::now() + share, self.doors.network.connect(to)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(source)) => Some(RequestError::Dial { to, source }),
                Err(_) => Some(RequestError::DialTimeout { to }),
            };
        }
        Err(last.unwrap_or(RequestError::Timeout))
    }

    fn target(&self, node: &Node) -> Result<Target, ScrapeError> {
        let host = self.settings.address_types.choose(node)?.to_owned();
        let port =
            node.port.filter(|_| self.settings.use_node_status_port).unwrap_or(self.settings.port);
        let path = node.resource_path.clone().unwrap_or_else(|| DEFAULT_PATH.to_owned());
        Ok(Target { host, port, path })
    }
}

/// A connection that closes where an answer is due is an `EOF` to Go.
fn http_words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() { "EOF".to_owned() } else { error_chain(error) }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

async fn read_body(mut body: Incoming, deadline: Instant) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::with_capacity(USUAL_BODY);
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyError::Timeout),
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Err(error))) => return Err(BodyError::Broken(error_chain(&error))),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if whole.len() + data.len() > BODY_LIMIT {
                    return Err(BodyError::TooLarge { limit: BODY_LIMIT });
                }
                whole.extend_from_slice(&data);
            }
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Whether the other end has neither closed it nor said anything unasked.
    fn is_quiet(&mut self) -> bool {
        self.stream.read(&mut [0]).now_or_never().is_none()
    }

    async fn send(
        self,
        request: Request<Empty<Bytes>>,
        deadline: Instant,
    ) -> Result<(Exchange, Response<Incoming>), RequestError> {
        let Self { authority, stream } = self;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| RequestError::Http(error.to_string()))?;
        let driver = tokio::spawn(async move {
            let parts = connection.without_shutdown().await.ok()?;
            parts.read_buf.is_empty().then(|| parts.io.into_inner())
        });
        let mut exchange = Exchange { authority, sender, driver: Driver(driver) };
        match timeout_at(deadline, exchange.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok((exchange, response)),
            Ok(Err(error)) => Err(RequestError::Http(http_words(&error))),
            Err(_) => Err(RequestError::Timeout),
        }
    }
}

// === impl Exchange ===

impl Exchange {
    /// The connection, when it can carry another request. The answer has been read whole.
    async fn end(self) -> Option<Connection> {
        let Self { authority, sender, mut driver } = self;
        drop(sender);
        let stream = (&mut driver.0).await.ok()??;
        Some(Connection { authority, stream })
    }
}

// === impl Driver ===

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// === impl Target ===

impl Target {
    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn url(&self) -> String {
        format!("https://{}{}", self.authority(), self.path)
    }

    fn request(&self, token: Option<&str>) -> Result<Request<Empty<Bytes>>, ScrapeError> {
        let bad = |_| ScrapeError::BadAddress { url: self.url() };
        let mut request = Request::get(self.path.as_str())
            .header(header::HOST, self.authority())
            .header(header::USER_AGENT, concat!("metrics-server/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(bad)?;
        if let Some(token) = token {
            // A token that is not fit for a header cannot be shown: the kubelet will answer 401.
            if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
                value.set_sensitive(true);
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
        }
        Ok(request)
    }
}
