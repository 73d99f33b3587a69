use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    AddressTypes, Sample, ScrapeError,
    decode::{Decoded, decode},
    error::{self, BodyError, RequestError},
    target::Target,
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
    transport: Transport,
}

/// What requests travel over.
#[derive(Clone, Debug)]
pub enum Transport {
    /// TCP alone. Whoever is on the way can read along, so no credentials are shown.
    Plain,
    /// TLS, as configured now: the configuration changes when certificate files do.
    Tls(watch::Receiver<Arc<ClientConfig>>),
}

/// An open connection to a kubelet, kept from one scrape to the next: a handshake costs more than
/// everything else in a scrape.
pub struct Connection {
    authority: String,
    /// The TLS configuration it was made with: another one may show or believe other certificates.
    tls: Option<Arc<ClientConfig>>,
    sender: http1::SendRequest<Empty<Bytes>>,
    driver: JoinHandle<()>,
}

// === impl KubeletClient ===

impl KubeletClient {
    /// A client that goes out through `doors`.
    pub fn new(doors: Doors, resolver: Resolver, settings: Settings, transport: Transport) -> Self {
        Self { doors, resolver, settings, transport }
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
        let token = token.filter(|_| matches!(self.transport, Transport::Tls(_)));
        let request = target.request(token)?;
        let response = self.answer(&target, &request, kept, deadline).await?;
        if response.status() != StatusCode::OK {
            let status = response.status();
            // An error's body is worth nothing, but reading a short one saves the connection.
            if read_body(response.into_body(), deadline).await.is_err() {
                *kept = None;
            }
            return Err(ScrapeError::Status { status });
        }
        if let Some(encoding) = response.headers().get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            *kept = None;
            let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            return Err(ScrapeError::Body(BodyError::Encoded { encoding }));
        }
        let body = match read_body(response.into_body(), deadline).await {
            Ok(body) => body,
            Err(error) => {
                *kept = None;
                return Err(ScrapeError::Body(error));
            }
        };
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
    ) -> Result<Response<Incoming>, ScrapeError> {
        let authority = target.authority();
        let failed = |cause| ScrapeError::Request { url: target.url(), cause: Box::new(cause) };
        let tls = self.transport.tls();
        if let Some(mut open) = kept.take()
            && open.fits(&authority, tls.as_ref())
            && open.sender.ready().await.is_ok()
        {
            match send(&mut open, request.clone(), deadline).await {
                // The kubelet closed it while it was idle: that says nothing about a new one.
                Err(RequestError::Http(_)) => {}
                Err(error) => return Err(failed(error)),
                Ok(response) => {
                    *kept = Some(open);
                    return Ok(response);
                }
            }
        }
        let mut fresh = self.connect(target, tls, deadline).await.map_err(failed)?;
        let response = send(&mut fresh, request.clone(), deadline).await.map_err(failed)?;
        *kept = Some(fresh);
        Ok(response)
    }

    async fn connect(
        &self,
        target: &Target,
        tls: Option<Arc<ClientConfig>>,
        deadline: Instant,
    ) -> Result<Connection, RequestError> {
        let stream = self.dial(target, deadline).await?;
        let stream = match &tls {
            None => stream,
            Some(tls) => Box::new(encrypt(stream, target, tls.clone(), deadline).await?),
        };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| RequestError::Http(error.to_string()))?;
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Connection { authority: target.authority(), tls, sender, driver })
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
        let scheme = self.transport.scheme();
        Ok(Target { scheme, host, port, path })
    }
}

async fn encrypt(
    stream: Stream,
    target: &Target,
    tls: Arc<ClientConfig>,
    deadline: Instant,
) -> Result<TlsStream<Stream>, RequestError> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|error| RequestError::Tls(error.to_string()))?;
    match timeout_at(deadline, TlsConnector::from(tls).connect(name, stream)).await {
        Ok(stream) => stream.map_err(|error| RequestError::from_handshake(&error)),
        Err(_) => Err(RequestError::TlsTimeout),
    }
}

async fn send(
    connection: &mut Connection,
    request: Request<Empty<Bytes>>,
    deadline: Instant,
) -> Result<Response<Incoming>, RequestError> {
    match timeout_at(deadline, connection.sender.send_request(request)).await {
        Ok(answered) => answered.map_err(|error| error::broken(&error)),
        Err(_) => Err(RequestError::Timeout),
    }
}

async fn read_body(mut body: Incoming, deadline: Instant) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(BodyError::TooLarge { limit: BODY_LIMIT });
    }
    let mut whole = BytesMut::new();
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyError::Timeout),
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Err(error))) => return Err(error::cut_off(&error)),
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

// === impl Transport ===

impl Transport {
    fn tls(&self) -> Option<Arc<ClientConfig>> {
        match self {
            Self::Plain => None,
            Self::Tls(config) => Some(config.borrow().clone()),
        }
    }

    fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls(_) => "https",
        }
    }
}

// === impl Connection ===

impl Connection {
    /// Whether it can carry a request to `authority` under the configuration that holds now.
    fn fits(&self, authority: &str, tls: Option<&Arc<ClientConfig>>) -> bool {
        let same_tls = match (&self.tls, tls) {
            (None, None) => true,
            (Some(mine), Some(now)) => Arc::ptr_eq(mine, now),
            _ => false,
        };
        same_tls && self.authority == authority && !self.sender.is_closed()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

#[cfg(test)]
mod tests;
