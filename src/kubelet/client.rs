use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use rustls::ClientConfig;
use tokio::{sync::watch, time::Instant};

use super::{
    AddressTypes, Endpoint, Kept, Sample, ScrapeError, Tally,
    body::{Body, Limits, Room},
    connect::Connector,
    connection::Exchange,
    decode::{Decoded, decode_within, summary},
    endpoint::Page,
    error::{BodyError, RequestError},
    target::Target,
};
use crate::{
    cluster::Node,
    dial::Dialer,
    dns::Resolver,
    doors::{Clock, Doors, Random},
};

/// How much of an error's body is read, and for how long, to save its connection.
const ERROR_BODY_LIMIT: usize = 64 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);

const DEFAULT_PATH: &str = "/metrics/resource";
const SUMMARY_PATH: &str = "/stats/summary?only_cpu_and_memory=true";

/// What is the same for all kubelets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Types of addresses in the order of preference.
    pub address_types: AddressTypes,
    /// The port of every kubelet.
    pub port: u16,
    /// Take the port from the node's status where it has one.
    pub use_node_status_port: bool,
    /// Try a node's other addresses where the preferred one fails.
    pub address_fallback: bool,
    /// What to ask for.
    pub endpoint: Endpoint,
    /// How much is believed of what kubelets say.
    pub limits: Limits,
}

/// Scrapes kubelets.
pub struct KubeletClient {
    clock: Clock,
    random: Random,
    connector: Connector,
    settings: Settings,
    transport: Transport,
    tally: Tally,
    room: Room,
}

/// How long one address may take.
#[derive(Clone, Copy)]
struct Attempt {
    /// For being reached and verified.
    until: Instant,
    /// For the head of the answer.
    deadline: Instant,
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
    /// A client that goes out through `doors` and counts in `tally`.
    pub fn new(
        doors: Doors,
        resolver: Resolver,
        settings: Settings,
        transport: Transport,
        tally: Tally,
    ) -> Self {
        let same_node_only = settings.address_fallback;
        let (clock, random) = (doors.clock.clone(), doors.random.clone());
        let connector = Connector { dialer: Dialer::new(doors, resolver), same_node_only };
        let room = Room::new(settings.limits);
        Self { clock, random, connector, settings, transport, tally, room }
    }

    /// The host and port at which a node would be asked first, for messages.
    pub fn address(&self, node: &Node) -> String {
        self.targets(Page::Resource, node)
            .map_or_else(|_| String::new(), |targets| targets[0].authority())
    }

    /// Scrapes `node`, whose `kept` is what was learned of it so far. Ends at `deadline`.
    pub async fn scrape(
        &self,
        node: &Node,
        token: Option<&str>,
        kept: &mut Kept,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let page = self.settings.endpoint.first(&kept.known_old);
        let asked = self.ask_for(page, node, token, kept, deadline).await;
        // A node that names a path of its own has its metrics there or nowhere.
        let may_be_old = page == Page::Resource
            && self.settings.endpoint == Endpoint::Auto
            && node.resource_path.is_none();
        match asked {
            Err(error) if may_be_old && error.is_not_found() => {
                match self.ask_for(Page::Summary, node, token, kept, deadline).await {
                    Err(other) if other.is_not_found() => {
                        kept.known_old.forget();
                        Err(error)
                    }
                    Ok(sample) => {
                        if kept.known_old.remember() {
                            tracing::info!(
                                node = node.name,
                                "The kubelet has no /metrics/resource, asking for /stats/summary"
                            );
                        }
                        Ok(sample)
                    }
                    failed => failed,
                }
            }
            Err(error) if error.is_not_found() => {
                kept.known_old.forget();
                Err(error)
            }
            Ok(sample) if page == Page::Resource => {
                kept.known_old.forget();
                Ok(sample)
            }
            other => other,
        }
    }

    async fn ask_for(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        kept: &mut Kept,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let default_time = self.clock.now().as_millisecond();
        let body = self.ask(page, node, token, kept, deadline).await?;
        let limits = &self.settings.limits;
        let Decoded { sample, first_bad, bad_lines, long_labels, too_many, scrape_error } =
            match page {
                Page::Resource => decode_within(&body, default_time, limits)?,
                Page::Summary => summary::decode(&body, &node.name, default_time, limits)?,
            };
        if too_many {
            return Err(ScrapeError::TooManySeries { limit: limits.series });
        }
        if let Some(error) = first_bad {
            self.tally.bad_lines.with_label_values(&["unreadable"]).inc_by(bad_lines as u64);
            tracing::warn!(node = node.name, lines = bad_lines, err = %error, "Passed over lines that cannot be read");
        }
        if long_labels > 0 {
            self.tally.bad_lines.with_label_values(&["label_too_long"]).inc_by(long_labels as u64);
            tracing::warn!(
                node = node.name,
                series = long_labels,
                limit = limits.label,
                "Passed over series with labels longer than --kubelet-max-label-length"
            );
        }
        if scrape_error {
            let sample = Some(sample).filter(|sample| *sample != Sample::default()).map(Box::new);
            return Err(ScrapeError::Unmeasured { sample });
        }
        Ok(sample)
    }

    /// The body of a good answer.
    async fn ask(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        kept: &mut Kept,
        deadline: Instant,
    ) -> Result<Body, ScrapeError> {
        let (exchange, response) = self.answer(page, node, token, kept, deadline).await?;
        let (head, body) = response.into_parts();
        if head.status != StatusCode::OK {
            // An error's body is worth nothing, but reading a short one saves the connection.
            let limit = deadline.min(Instant::now() + ERROR_BODY_TIME);
            if self.room.read(body, Some(ERROR_BODY_LIMIT), limit).await.is_ok() {
                kept.connection = exchange.end(deadline).await;
            }
            let status = head.status;
            return Err(match page {
                Page::Resource => ScrapeError::Status { status },
                Page::Summary => ScrapeError::SummaryStatus { status },
            });
        }
        if let Some(encoding) = head.headers.get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
            return Err(ScrapeError::Body(BodyError::Encoded { encoding }));
        }
        let body = self.room.read(body, None, deadline).await.map_err(ScrapeError::Body)?;
        kept.connection = exchange.end(deadline).await;
        Ok(body)
    }

    /// The head of an answer from the first of the node's addresses at which its kubelet can be
    /// reached and verified. They share the time; what is left is for the answer.
    async fn answer(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        kept: &mut Kept,
        deadline: Instant,
    ) -> Result<(Exchange, Response<Incoming>), ScrapeError> {
        let token = token.filter(|_| matches!(self.transport, Transport::Tls(_)));
        let targets = self.targets(page, node)?;
        let order = kept.choice.order(&targets);
        let mut failed = Vec::new();
        for (tried, target) in order.iter().map(|at| &targets[*at]).enumerate() {
            let left = u32::try_from(order.len() - tried).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            let attempt = Attempt { until: Instant::now() + share, deadline };
            match self.attempt(node, target, token, kept, attempt).await {
                Ok(answer) => {
                    kept.choice.settle(&node.name, &targets[0], target, &failed, &self.random);
                    return answer;
                }
                Err(error) => {
                    if left > 1 {
                        self.tally.fallbacks.with_label_values(&[error.cause_label()]).inc();
                    }
                    failed.push(error);
                }
            }
        }
        Err(ScrapeError::everywhere(failed, &targets[0].authority()))
    }

    /// An error in the outer result means that the kubelet was not reached there, and that another
    /// address may do better; one in the inner is what came of asking it.
    async fn attempt(
        &self,
        node: &Node,
        target: &Target,
        token: Option<&str>,
        kept: &mut Kept,
        Attempt { until, deadline }: Attempt,
    ) -> Result<Result<(Exchange, Response<Incoming>), ScrapeError>, ScrapeError> {
        let request: Request<Empty<Bytes>> = target.request(token)?;
        let failed = |cause| ScrapeError::Request { url: target.url(), cause: Box::new(cause) };
        let tls = self.transport.tls();
        if let Some(mut open) = kept.take_connection(&target.authority())
            && open.is_good_for(tls.as_ref())
        {
            match open.send(request.clone(), deadline).await {
                // The kubelet closed it while it was idle: that says nothing about a new one.
                Err(RequestError::Http(_)) => {}
                other => return Ok(other.map_err(failed)),
            }
        }
        let fresh = self.connector.connect(&node.name, target, tls, until).await.map_err(failed)?;
        Ok(fresh.send(request, deadline).await.map_err(failed))
    }

    /// Where to ask `node`, in the order of preference: at least one.
    fn targets(&self, page: Page, node: &Node) -> Result<Vec<Target>, ScrapeError> {
        let preferred = self.settings.address_types.choose(node)?;
        let port =
            node.port.filter(|_| self.settings.use_node_status_port).unwrap_or(self.settings.port);
        let path = match page {
            Page::Resource => node.resource_path.as_deref().unwrap_or(DEFAULT_PATH),
            Page::Summary => SUMMARY_PATH,
        };
        let scheme = self.transport.scheme();
        let target =
            |host: &str| Target { scheme, host: host.to_owned(), port, path: path.to_owned() };
        if !self.settings.address_fallback {
            return Ok(vec![target(preferred)]);
        }
        Ok(self.settings.address_types.all(node).into_iter().map(target).collect())
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
