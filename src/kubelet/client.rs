use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    AddressTypes, Sample, ScrapeError,
    connection::{Connection, Exchange},
    decode::{Decoded, decode},
    error::{self, BodyError, RequestError},
    target::Target,
};
use crate::{
    cluster::Node,
    dial::Dialer,
    dns::Resolver,
    doors::{Clock, Doors, Stream},
};

/// Larger answers are refused: 500 pods of 20 containers make about 5 MB.
const BODY_LIMIT: usize = 32 << 20;

/// A body of 30 pods with two containers each is 40 KB.
const USUAL_BODY: usize = 48 << 10;

/// How much of an error's body is read, and for how long, to save its connection.
const ERROR_BODY_LIMIT: usize = 64 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);

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
    clock: Clock,
    dialer: Dialer,
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

// === impl KubeletClient ===

impl KubeletClient {
    /// A client that goes out through `doors`.
    pub fn new(doors: Doors, resolver: Resolver, settings: Settings, transport: Transport) -> Self {
        let clock = doors.clock.clone();
        Self { clock, dialer: Dialer::new(doors, resolver), settings, transport }
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
        let default_time = self.clock.now().as_millisecond();
        let token = token.filter(|_| matches!(self.transport, Transport::Tls(_)));
        let request = target.request(token)?;
        let (exchange, response) = self.answer(&target, &request, kept, deadline).await?;
        let (head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            // An error's body is worth nothing, but reading a short one saves the connection.
            let limit = deadline.min(Instant::now() + ERROR_BODY_TIME);
            if read_body(body, ERROR_BODY_LIMIT, limit).await.is_ok() {
                *kept = exchange.end(deadline).await;
            }
            return Err(ScrapeError::Status { status: head.status });
        }
        if let Some(encoding) = head.headers.get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            return Err(ScrapeError::Body(BodyError::Encoded { encoding }));
        }
        let body = read_body(body, BODY_LIMIT, deadline).await.map_err(ScrapeError::Body)?;
        *kept = exchange.end(deadline).await;
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
        let tls = self.transport.tls();
        if let Some(mut open) = kept.take()
            && open.fits(&authority, tls.as_ref())
        {
            match open.send(request.clone(), deadline).await {
                // The kubelet closed it while it was idle: that says nothing about a new one.
                Err(RequestError::Http(_)) => {}
                other => return other.map_err(failed),
            }
        }
        let fresh = self.connect(target, tls, deadline).await.map_err(failed)?;
        fresh.send(request.clone(), deadline).await.map_err(failed)
    }

    async fn connect(
        &self,
        target: &Target,
        tls: Option<Arc<ClientConfig>>,
        deadline: Instant,
    ) -> Result<Connection, RequestError> {
        let stream = self.dialer.dial(&target.host, target.port, deadline).await?;
        let stream = match &tls {
            None => stream,
            Some(tls) => Box::new(encrypt(stream, target, tls.clone(), deadline).await?),
        };
        Ok(Connection::new(target.authority(), tls, stream))
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

async fn read_body(
    mut body: Incoming,
    limit: usize,
    deadline: Instant,
) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge { limit });
    }
    let mut whole = BytesMut::with_capacity(USUAL_BODY.min(limit));
    loop {
        match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyError::Timeout),
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Err(error))) => return Err(error::cut_off(&error)),
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if whole.len() + data.len() > limit {
                    return Err(BodyError::TooLarge { limit });
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

#[cfg(test)]
mod tests;
