mod request;

use std::{net::IpAddr, sync::Arc};

use net::{Clock, Doors, DynamicFile, Random, dial::Dialer, dns::Resolver, proxy::Proxy};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::{
    AddressTypes, Endpoint, KubeletMetrics, Page, Sample, ScrapeError, Session,
    body::{Limits, Reader},
    connect::Connector,
    connection_limit::ConnectionLimit,
    target::Target,
};
use crate::cluster::Node;

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
    /// Which page to scrape.
    pub endpoint: Endpoint,
    /// How large responses may be.
    pub limits: Limits,
}

/// Scrapes kubelets.
pub struct KubeletClient {
    clock: Clock,
    random: Random,
    connector: Connector,
    resolver: Resolver,
    settings: Settings,
    transport: Transport,
    metrics: KubeletMetrics,
    reader: Reader,
}

/// The transport of requests.
#[derive(Clone, Debug)]
pub enum Transport {
    /// TCP alone. It can be read on the way, so no credentials are sent.
    Plain,
    /// TLS, as configured now: the configuration changes when certificate files do.
    Tls(DynamicFile<Arc<ClientConfig>>),
}

// === impl KubeletClient ===

impl KubeletClient {
    /// A client that uses the network, clock and randomness of `doors` and counts in `metrics`.
    pub fn new(
        doors: Doors,
        resolver: Resolver,
        settings: Settings,
        transport: Transport,
        metrics: KubeletMetrics,
    ) -> Self {
        let same_node_only = settings.address_fallback;
        let (clock, random) = (doors.clock.clone(), doors.random.clone());
        let dialer = Dialer::new(doors, resolver.clone());
        let connector = Connector { dialer, limit: ConnectionLimit::default(), same_node_only };
        let reader = Reader::new(settings.limits, metrics.most_taken.clone());
        Self { clock, random, connector, resolver, settings, transport, metrics, reader }
    }

    /// The same with no more than `most` connections at a time. They are kept from one scrape to
    /// the next only as far as others can still be made.
    #[must_use]
    pub fn with_connections(mut self, most: usize) -> Self {
        self.connector.limit = ConnectionLimit::of(most);
        self
    }

    /// The same through `proxy`, if there is one, instead of that of the environment.
    #[must_use]
    pub fn through(mut self, proxy: Option<Proxy>) -> Self {
        self.connector.dialer = self.connector.dialer.through(proxy);
        self
    }

    /// Scrapes `node`, whose `session` is what previous scrapes found out. Ends at `deadline`.
    pub async fn scrape(
        &self,
        node: &Node,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let result = self.scrape_either(node, token, session, deadline).await;
        if result.is_err() {
            let host = session.address.rsplit_once(':').map(|(host, _)| host.to_owned());
            session.led_astray = host.and_then(|host| self.led_astray(node, &host));
        }
        result
    }

    /// Where DNS leads `host`, which is a name of `node`, if that is none of the node's addresses.
    fn led_astray(&self, node: &Node, host: &str) -> Option<(Arc<str>, IpAddr)> {
        let (name, found) = self.resolver.last_answer(host)?;
        let ips: Vec<IpAddr> = node.ips().collect();
        let first = *found.first()?;
        (!ips.is_empty() && !found.iter().any(|ip| ips.contains(ip))).then_some((name, first))
    }

    async fn scrape_either(
        &self,
        node: &Node,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let page = self.settings.endpoint.first(&session.known_old);
        let scraped = self.scrape_page(page, node, token, session, deadline).await;
        // A node that names a path of its own has its metrics there or nowhere.
        let may_be_old = page == Page::Resource
            && self.settings.endpoint == Endpoint::Auto
            && node.resource_path.is_none();
        match scraped {
            Err(error) if may_be_old && error.is_not_found() => {
                match self.scrape_page(Page::Summary, node, token, session, deadline).await {
                    Err(other) if other.is_not_found() => {
                        session.known_old.forget();
                        Err(error)
                    }
                    Ok(sample) => {
                        if session.known_old.remember() {
                            tracing::info!(
                                node = node.name,
                                "The kubelet has no /metrics/resource, using /stats/summary"
                            );
                        }
                        Ok(sample)
                    }
                    failed => failed,
                }
            }
            Err(error) if error.is_not_found() => {
                session.known_old.forget();
                Err(error)
            }
            Ok(sample) if page == Page::Resource => {
                session.known_old.forget();
                Ok(sample)
            }
            other => other,
        }
    }

    /// The URLs of `node`'s kubelet in the order of preference: at least one.
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
            Self::Tls(config) => Some(config.get()),
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
