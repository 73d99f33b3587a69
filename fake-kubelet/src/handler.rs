//! The HTTP handler of one kubelet: faults, authentication and authorization, and the pages.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use cluster_format::{BodyFault, TransferFault};
use http::{
    HeaderValue, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderName, USER_AGENT},
    request::Parts,
};
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use net::Clock;
use parking_lot::{Mutex, MutexGuard};

use crate::{
    auth::{Authorizer, paths},
    body::{self, Body},
    connection::Peer,
    exposition,
    faults::{ActiveFaults, RequestFaults, body as body_faults},
    node::Node,
    observer::{ObservedRequest, Observer},
    pages,
    replay::Replay,
    responses::{
        apply_header_faults, fail, json, no_route, nosniff, not_found, redirect, text, unsupported,
    },
    sample::NodeSample,
    sampling::Sampling,
    summary::Summary,
};

const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const PROCESS_START: HeaderName = HeaderName::from_static("process-start-time-unix");

/// Handles the requests to one kubelet, whichever of its addresses they come in at.
pub(crate) struct RequestHandler {
    pub(crate) name: String,
    pub(crate) clock: Clock,
    pub(crate) observer: Arc<dyn Observer>,
    /// `None`: every request is allowed.
    pub(crate) authorizer: Option<Authorizer>,
    pub(crate) sampling: Sampling,
    pub(crate) replay: Option<Replay>,
    /// Another path where `/metrics/resource` is too.
    pub(crate) resource_path: Mutex<Option<String>>,
    pub(crate) node: Mutex<Node>,
}

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer, on purpose")]
pub(crate) struct NoAnswer;

/// Reports a request to the observer when it is over, also where the client has disconnected.
struct RequestObservation<'a> {
    observer: &'a dyn Observer,
    seen: ObservedRequest<'a>,
}

// === impl RequestHandler ===

impl RequestHandler {
    pub(crate) fn node(&self) -> MutexGuard<'_, Node> {
        self.node.lock()
    }

    fn is_resource(&self, path: &str) -> bool {
        let own = self.resource_path.lock();
        own.as_deref() == Some(path)
    }

    /// What was measured last.
    pub(crate) fn sample(&self) -> NodeSample {
        self.measure(&self.node(), self.clock.now())
    }

    /// What is served of a node at `now`.
    fn measure(&self, node: &Node, now: Timestamp) -> NodeSample {
        if self.sampling.apart {
            node.sample_apart(self.sampling, now)
        } else {
            node.sample(self.sampling.last(now))
        }
    }

    /// Answers a request of `peer` that came in at one of the kubelet's addresses.
    pub(crate) async fn handle(
        &self,
        at: SocketAddr,
        peer: &Peer,
        request: &Parts,
        active_faults: &ActiveFaults,
    ) -> Result<Response<Body>, NoAnswer> {
        let mut observation = RequestObservation::new(self, at, peer, request);
        let faults = active_faults.for_request(at.ip());
        if let Some(delay) = faults.delay {
            tokio::time::sleep(delay).await;
        }
        let transfer = faults.transfer;
        if transfer == Some(TransferFault::NoAnswer) {
            return Err(NoAnswer);
        }
        let mut response = self.respond(peer, request, &faults).await;
        apply_header_faults(&mut response, &faults);
        if matches!(transfer, Some(TransferFault::Gzip | TransferFault::GzipBomb)) {
            response.headers_mut().insert(CONTENT_ENCODING, GZIP);
        }
        // By the kubelet's own clock: hyper would take the machine's. Last, as Go writes it.
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.now());
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(DATE, date);
        }
        observation.seen.status = Some(response.status().as_u16());
        Ok(response.map(|bytes| Body::sent(&bytes, transfer)))
    }

    async fn respond(
        &self,
        peer: &Peer,
        request: &Parts,
        faults: &RequestFaults,
    ) -> Response<Bytes> {
        if let Some(location) = &faults.redirect {
            return redirect(location, faults);
        }
        if let Some(status) = faults.status {
            return fail(status, faults);
        }
        let path = request.uri.path();
        let path = if self.is_resource(path) { "/metrics/resource" } else { path };
        if !paths::is_known(path) {
            return not_found();
        }
        if let Some(authorizer) = &self.authorizer
            && let Err(denied) = authorizer.check(peer, request).await
        {
            return text(denied.status(), denied.body());
        }
        if let Some(rejected) =
            paths::methods(path).and_then(|methods| unsupported(request, methods))
        {
            return rejected;
        }
        match path {
            "/metrics/resource" => match self.exposition(faults) {
                Some(body) if faults.body != Some(BodyFault::NotFound) => {
                    self.metrics_response(request, body)
                }
                _ => not_found(),
            },
            "/stats/summary" | "/stats/summary/" => self.summary(request, faults),
            "/metrics" => {
                // Not in one expression with the sample: each locks the node.
                let started = self.node().started().as_second();
                let page = pages::metrics(&self.name, started, &self.sample());
                self.metrics_response(request, page.into())
            }
            "/metrics/cadvisor" => {
                self.metrics_response(request, pages::cadvisor(&self.sample()).into())
            }
            "/pods" | "/pods/" => json(pages::pods(&self.name, &self.sample())),
            "/configz" => nosniff(json(pages::configz(self.authorizer.is_some()))),
            "/healthz" if is_verbose(request) => {
                nosniff(text(StatusCode::OK, pages::HEALTHZ_VERBOSE))
            }
            "/healthz" => nosniff(text(StatusCode::OK, "ok")),
            check if paths::is_health_check(check) => text(StatusCode::OK, "ok"),
            routed if paths::is_routed(routed) => no_route(),
            _ => not_found(),
        }
    }

    /// The summary of the last two samples, as the node is now, where no recording is replayed. A
    /// kubelet that measures on each request has rates over as long as others.
    fn summary(&self, request: &Parts, faults: &RequestFaults) -> Response<Bytes> {
        let asked = request.uri.query().unwrap_or_default().split('&');
        let only = asked.into_iter().any(|pair| pair == "only_cpu_and_memory=true");
        let fault = faults.samples.as_ref();
        let frozen = fault.is_some_and(|fault| fault.frozen);
        if let Some(fault @ (BodyFault::Garbage | BodyFault::Empty)) = faults.body {
            return json(body_faults::corrupt(fault, ""));
        }
        if let Some(recorded) = self.replay.as_ref().and_then(|replay| replay.summary(frozen)) {
            return json(recorded);
        }
        let now = if frozen { faults.samples_since } else { self.clock.now() };
        let node = self.node();
        let every = match self.sampling.every {
            Duration::ZERO => Sampling::default().every,
            every => every,
        };
        let samples = (&self.measure(&node, now - every), &self.measure(&node, now));
        json(Summary::new(&self.name, node.started(), samples, only).render())
    }

    /// Metrics in text format, compressed if the client accepts gzip. Header lines in the order of
    /// their names, as Go writes them.
    fn metrics_response(&self, request: &Parts, body: Bytes) -> Response<Bytes> {
        let zipped =
            body::takes_gzip(&request.headers).then(|| body::gzip(&body)).and_then(Result::ok);
        let gzipped = zipped.is_some();
        let mut response = Response::new(zipped.unwrap_or(body));
        let headers = response.headers_mut();
        if gzipped {
            headers.insert(CONTENT_ENCODING, GZIP);
        }
        headers.insert(CONTENT_TYPE, METRICS_TYPE);
        let started = self.node().started().as_second();
        headers.insert(PROCESS_START, HeaderValue::from(started));
        response
    }

    /// The answer to a scrape; `None` where a recording has none.
    fn exposition(&self, faults: &RequestFaults) -> Option<Bytes> {
        let fault = faults.samples.as_ref();
        let frozen = fault.is_some_and(|fault| fault.frozen);
        let mut bytes = if let Some(replay) = &self.replay {
            replay.scrape(frozen)?
        } else {
            let now = if frozen { faults.samples_since } else { self.clock.now() };
            if fault.is_some_and(|fault| fault.reset) {
                let node = self.node();
                let mut sample = self.measure(&node, now);
                sample.count_from(&self.measure(&node, faults.samples_since));
                exposition::render(&sample).into()
            } else if self.sampling.apart {
                exposition::render(&self.measure(&self.node(), now)).into()
            } else {
                self.node().exposition(self.sampling.last(now)).into()
            }
        };
        if let Some(fault) = fault {
            bytes = corrupt(&bytes, |text| body_faults::shift_times(fault, text));
        }
        Some(match faults.body {
            Some(fault) => corrupt(&bytes, |text| body_faults::corrupt(fault, text)),
            None => bytes,
        })
    }
}

fn corrupt(bytes: &Bytes, change: impl FnOnce(&str) -> String) -> Bytes {
    change(&String::from_utf8_lossy(bytes)).into()
}

/// Whether a health check is to list each check.
fn is_verbose(request: &Parts) -> bool {
    let asked = request.uri.query().unwrap_or_default().split('&');
    asked.into_iter().any(|pair| pair.split('=').next() == Some("verbose"))
}

// === impl RequestObservation ===

impl<'a> RequestObservation<'a> {
    fn new(handler: &'a RequestHandler, at: SocketAddr, peer: &Peer, request: &'a Parts) -> Self {
        let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
        let seen = ObservedRequest {
            node: &handler.name,
            at,
            from: peer.address,
            method: request.method.as_str(),
            target: request.uri.path_and_query().map_or("", |target| target.as_str()),
            status: None,
            user_agent: header(USER_AGENT),
            authorization: header(AUTHORIZATION).and_then(|value| value.split(' ').next()),
            certificate: !peer.certificates.is_empty(),
        };
        Self { observer: &*handler.observer, seen }
    }
}

impl Drop for RequestObservation<'_> {
    fn drop(&mut self) {
        self.observer.request(&self.seen);
    }
}
