//! One scrape of a kubelet: the request, its destination, and the response.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::{
    super::{
        Dropped, Page, Sample, ScrapeError, Session,
        body::Body,
        connection::Exchange,
        decode::{Decoded, decode_within, summary},
        error::{BodyError, RequestError},
        http::Head,
        target::Target,
    },
    KubeletClient, Transport,
};
use crate::cluster::Node;

/// How much of an error's body is read, and for how long, to save its connection.
const ERROR_BODY_LIMIT: usize = 64 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);

/// The timeout of one address.
#[derive(Clone, Copy)]
struct Attempt {
    /// For being reached and verified.
    until: Instant,
    /// For the head of the response.
    deadline: Instant,
}

// === impl KubeletClient ===

impl KubeletClient {
    pub(super) async fn scrape_page(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<Sample, ScrapeError> {
        let default_time = self.clock.now().as_millisecond();
        let body = self.fetch_body(page, node, token, session, deadline).await?;
        let limits = &self.settings.limits;
        let Decoded {
            mut sample,
            first_bad,
            bad_lines,
            conflicts,
            long_labels,
            too_many,
            scrape_error,
        } = match page {
            Page::Resource => decode_within(&body, default_time, limits)?,
            Page::Summary => summary::decode(&body, &node.name, default_time, limits)?,
        };
        if too_many {
            return Err(ScrapeError::TooManySeries { limit: limits.series });
        }
        let count = |cause, lines| {
            if lines > 0 {
                self.metrics.bad_lines.with_label_values(&[cause]).inc_by(lines as u64);
            }
        };
        count("unreadable", bad_lines);
        count("label_too_long", long_labels);
        count("conflicting_values", conflicts.count);
        if scrape_error {
            let sample = Some(sample).filter(|sample| *sample != Sample::default()).map(Box::new);
            return Err(ScrapeError::Unmeasured { sample });
        }
        if bad_lines + long_labels + conflicts.count > 0 {
            let first = first_bad.map(|error| error.to_string()).unwrap_or_default();
            let limit = limits.label;
            let dropped = Dropped { lines: bad_lines, first, long_labels, limit, conflicts };
            sample.dropped = Some(Box::new(dropped));
        }
        Ok(sample)
    }

    /// The body of a response with status 200.
    async fn fetch_body(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<Body, ScrapeError> {
        let (head, mut exchange) = self.fetch_head(page, node, token, session, deadline).await?;
        if head.status != StatusCode::OK {
            // An error's body is worth nothing, but reading a short one saves the connection.
            let until = deadline.min(Instant::now() + ERROR_BODY_TIME);
            let body = self.reader.read(&mut exchange, 0, Some(ERROR_BODY_LIMIT), until).await;
            session.connection = body.ok().and_then(|_| exchange.end());
            return Err(ScrapeError::Status { status: head.status, page });
        }
        session.was_authorized = true;
        if let Some(encoding) = head.encoding {
            return Err(ScrapeError::Body(BodyError::Encoded { encoding }));
        }
        let read = self.reader.read(&mut exchange, session.usual_body, None, deadline).await;
        let body = read.map_err(ScrapeError::Body)?;
        session.usual_body = body.len();
        session.connection = exchange.end();
        Ok(body)
    }

    /// The head of a response from the first of the node's addresses at which its kubelet can be
    /// reached and verified. They share the time; what is left is for the response.
    async fn fetch_head(
        &self,
        page: Page,
        node: &Node,
        token: Option<&str>,
        session: &mut Session,
        deadline: Instant,
    ) -> Result<(Head, Exchange), ScrapeError> {
        let token = token.filter(|_| matches!(self.transport, Transport::Tls(_)));
        session.address.clear();
        let targets = self.targets(page, node)?;
        session.address = targets[0].authority();
        let order = session.choice.order(&targets);
        let mut failed = Vec::new();
        for (tried, target) in order.iter().map(|at| &targets[*at]).enumerate() {
            let left = u32::try_from(order.len() - tried).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            let attempt = Attempt { until: Instant::now() + share, deadline };
            match self.attempt(node, target, token, session, attempt).await {
                Ok(response) => {
                    session.address = target.authority();
                    let known = session.known(node);
                    session.choice.settle(&known, &targets[0], target, &failed, &self.random);
                    return response;
                }
                Err(error) => {
                    if left > 1 {
                        self.metrics.fallbacks.with_label_values(&[error.cause().name()]).inc();
                    }
                    session.led_astray = self.led_astray(node, &target.host);
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
        session: &mut Session,
        Attempt { until, deadline }: Attempt,
    ) -> Result<Result<(Head, Exchange), ScrapeError>, ScrapeError> {
        let request = target.request(token)?;
        let failed = |cause| ScrapeError::Request { url: target.url(), cause: Box::new(cause) };
        let tls = self.transport.tls();
        if let Some(mut open) = session.take_connection(&target.authority())
            && open.is_good_for(tls.as_ref())
        {
            match open.send(&request, deadline).await {
                // The kubelet closed it while it was idle: a new one may still work.
                Err(RequestError::Http(_)) => {}
                other => return Ok(other.map_err(failed)),
            }
        }
        let fresh = self.connector.connect(&node.name, target, tls, until).await.map_err(failed)?;
        Ok(fresh.send(&request, deadline).await.map_err(failed))
    }
}
