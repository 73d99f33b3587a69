//! Metrics of requests to this server, and what happens when their handler panics.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use prometheus::{HistogramVec, IntCounterVec};
use tokio::time::Instant;

use super::Telemetry;
use crate::names::GROUP;

/// Requests to this server, under the names that any Kubernetes API server uses.
pub(super) struct RequestMetrics {
    pub(super) total: IntCounterVec,
    pub(super) duration: HistogramVec,
}

/// The labels of a request. No name and no namespace is among them, so the number of series is
/// bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RequestLabels {
    verb: &'static str,
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    scope: &'static str,
    subresource: &'static str,
}

const LABELS: [&str; 6] = ["verb", "group", "version", "resource", "scope", "subresource"];

/// Paths outside of the API that have series of their own.
const PAGES: [&str; 7] =
    ["/healthz", "/livez", "/readyz", "/metrics", "/version", "/statusz", "/flagz"];

pub(super) fn label_names(more: &[&'static str]) -> Vec<&'static str> {
    LABELS.iter().chain(more).copied().collect()
}

/// The response to a request whose handler panicked.
const PANICKED: &str = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"This request caused the metrics server to panic: see its log","reason":"InternalError","code":500}"#;

pub(super) async fn observe(
    State(telemetry): State<Arc<Telemetry>>,
    request: Request,
    next: Next,
) -> Response {
    let labels = RequestLabels::by(request.method(), request.uri().path());
    let start = Instant::now();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| broken(&telemetry));
    telemetry.requests().answered(labels, response.status().as_str(), start);
    response
}

/// For the filters before the handlers, such as authentication.
pub(super) async fn contain(
    State(telemetry): State<Arc<Telemetry>>,
    request: Request,
    next: Next,
) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| broken(&telemetry))
}

fn broken(telemetry: &Telemetry) -> Response {
    telemetry.panicked("request");
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::INTERNAL_SERVER_ERROR, json, PANICKED).into_response()
}

// === impl RequestMetrics ===

impl RequestMetrics {
    fn answered(&self, request: RequestLabels, code: &str, start: Instant) {
        let RequestLabels { verb, group, version, resource, scope, subresource } = request;
        let labels = [verb, group, version, resource, scope, subresource];
        self.duration.with_label_values(&labels).observe(start.elapsed().as_secs_f64());
        let labels = [verb, group, version, resource, scope, subresource, code];
        self.total.with_label_values(&labels).inc();
    }
}

// === impl RequestLabels ===

impl RequestLabels {
    fn by(method: &Method, path: &str) -> Self {
        let verb = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        let Some((version, rest)) = (match parts[..] {
            ["apis", GROUP, "v1beta1", ref rest @ ..] => Some(("v1beta1", rest)),
            ["apis", GROUP, "v1", ref rest @ ..] => Some(("v1", rest)),
            _ => None,
        }) else {
            let page =
                parts.first().and_then(|first| PAGES.iter().find(|page| &page[1..] == *first));
            return Self {
                verb,
                subresource: page.copied().unwrap_or_default(),
                ..Self::default()
            };
        };
        let (resource, scope) = match rest {
            ["nodes"] => ("nodes", "cluster"),
            ["nodes", _] => ("nodes", "resource"),
            ["pods"] => ("pods", "cluster"),
            ["namespaces", _, "pods"] => ("pods", "namespace"),
            ["namespaces", _, "pods", _] => ("pods", "resource"),
            _ => ("", ""),
        };
        let lists = matches!(scope, "cluster" | "namespace");
        let verb = if verb == "GET" && lists { "LIST" } else { verb };
        Self { verb, group: GROUP, version, resource, scope, subresource: "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_labels() {
        let base = "/apis/metrics.k8s.io/v1beta1";
        let cases = [
            (format!("{base}/nodes"), "LIST", "nodes", "cluster", ""),
            (format!("{base}/nodes/n1"), "GET", "nodes", "resource", ""),
            (format!("{base}/pods"), "LIST", "pods", "cluster", ""),
            (format!("{base}/namespaces/a/pods"), "LIST", "pods", "namespace", ""),
            (format!("{base}/namespaces/a/pods/b"), "GET", "pods", "resource", ""),
            (format!("{base}/whatever/a"), "GET", "", "", ""),
            ("/readyz/ping".to_owned(), "GET", "", "", "/readyz"),
            ("/random/123".to_owned(), "GET", "", "", ""),
        ];
        for (path, verb, resource, scope, subresource) in cases {
            let labels = RequestLabels::by(&Method::GET, &path);
            assert_eq!(
                (labels.verb, labels.resource, labels.scope, labels.subresource),
                (verb, resource, scope, subresource),
                "{path}"
            );
        }
    }
}
