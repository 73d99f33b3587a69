//! What one kubelet answers.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderName, USER_AGENT,
        X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use jiff::fmt::rfc2822::DateTimePrinter;
use metrics_server::{doors::Clock, serving::Peer};

use crate::{
    access::{Denied, Gate},
    body::{self, Body},
    exposition,
    faults::Faults,
    node::Node,
    observer::{Observer, SeenRequest},
    replay::Recording,
    sample::NodeSample,
    sampling::Sampling,
};

const METRICS_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
const TEXT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const PROCESS_START: HeaderName = HeaderName::from_static("process-start-time-unix");

/// One kubelet behind all of its addresses.
pub(crate) struct Answers {
    pub(crate) name: String,
    pub(crate) clock: Clock,
    pub(crate) observer: Arc<dyn Observer>,
    /// `None`: everybody is answered.
    pub(crate) gate: Option<Gate>,
    pub(crate) sampling: Sampling,
    pub(crate) replay: Option<Replay>,
    pub(crate) node: Mutex<Node>,
    pub(crate) faults: Mutex<Faults>,
}

/// A recording and how far it was played.
pub(crate) struct Replay {
    recording: Arc<Recording>,
    played: AtomicUsize,
}

/// Reports a request when it is over, however that comes about.
struct Watched<'a> {
    observer: &'a dyn Observer,
    seen: SeenRequest<'a>,
}

// === impl Answers ===

impl Answers {
    pub(crate) fn node(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was measured last.
    pub(crate) fn sample(&self) -> NodeSample {
        self.node().sample(self.sampling.last(self.clock.now()))
    }

    /// Answers a request of `peer` that came in at one of the kubelet's addresses.
    pub(crate) async fn answer(
        &self,
        at: SocketAddr,
        peer: &Peer,
        request: &Parts,
    ) -> Response<Body> {
        let mut watched = Watched::new(self, at, peer, request);
        let mut response = self.respond(peer, request).await;
        // Of the door's clock: hyper would take the machine's. Last, as Go writes it.
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&self.clock.now());
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(DATE, date);
        }
        watched.seen.status = Some(response.status().as_u16());
        response
    }

    async fn respond(&self, peer: &Peer, request: &Parts) -> Response<Body> {
        let faults = self.faults().clone();
        if let Some(delay) = faults.delay {
            tokio::time::sleep(delay).await;
        }
        if let Some(status) = faults.status {
            return fail(status, &faults);
        }
        if let Some(gate) = &self.gate
            && let Err(denied) = gate.check(peer, request).await
        {
            return deny(&denied);
        }
        match request.uri.path() {
            "/metrics/resource" => self.metrics(request, &faults),
            "/healthz" => text(StatusCode::OK, "ok"),
            _ => {
                let mut response = text(StatusCode::NOT_FOUND, "404 page not found\n");
                let nosniff = HeaderValue::from_static("nosniff");
                response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, nosniff);
                response
            }
        }
    }

    fn metrics(&self, request: &Parts, faults: &Faults) -> Response<Body> {
        let mut bytes = match (&faults.body, &self.replay) {
            (Some(fault), _) => Bytes::from_static(fault.body().as_bytes()),
            (None, Some(replay)) => replay.next(),
            (None, None) => Bytes::from(exposition::render(&self.sample())),
        };
        let zipped =
            body::takes_gzip(&request.headers).then(|| body::gzip(&bytes)).and_then(Result::ok);
        let gzipped = zipped.is_some();
        if let Some(zipped) = zipped {
            bytes = zipped;
        }
        let mut response = response(StatusCode::OK, METRICS_TYPE, bytes.into());
        if gzipped {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let started = self.node().started().as_second();
        response.headers_mut().insert(PROCESS_START, HeaderValue::from(started));
        response
    }
}

fn response(status: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    response(status, TEXT_TYPE, text.into())
}

fn fail(status: u16, faults: &Faults) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match faults.body {
        Some(fault) => text(status, fault.body()),
        None => text(status, format!("{}\n", status.canonical_reason().unwrap_or_default())),
    }
}

fn deny(denied: &Denied) -> Response<Body> {
    text(denied.status(), format!("{denied}\n"))
}

// === impl Replay ===

impl Replay {
    pub(crate) fn new(recording: Arc<Recording>) -> Self {
        Self { recording, played: AtomicUsize::new(0) }
    }

    fn next(&self) -> Bytes {
        self.recording.scrape(self.played.fetch_add(1, Ordering::Relaxed))
    }
}

// === impl Watched ===

impl<'a> Watched<'a> {
    fn new(answers: &'a Answers, at: SocketAddr, peer: &Peer, request: &'a Parts) -> Self {
        let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
        let seen = SeenRequest {
            node: &answers.name,
            at,
            from: peer.address,
            method: request.method.as_str(),
            target: request.uri.path_and_query().map_or("", |target| target.as_str()),
            status: None,
            user_agent: header(USER_AGENT),
            authorization: header(AUTHORIZATION).and_then(|value| value.split(' ').next()),
        };
        Self { observer: &*answers.observer, seen }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.observer.request(&self.seen);
    }
}
