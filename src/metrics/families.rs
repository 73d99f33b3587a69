//! The families of metrics, with their names, labels and buckets.

use std::time::Duration;

use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry,
    core::Collector,
};

use super::{
    buckets,
    requests::{RequestMetrics, label_names},
};

type Result<T> = std::result::Result<T, prometheus::Error>;

/// The metrics families of one server: those of the Go server under their names, labels and
/// buckets, and ours.
pub(super) struct Families {
    pub(super) freshness: Histogram,
    pub(super) last_request: GaugeVec,
    pub(super) request_duration: HistogramVec,
    pub(super) request_total: IntCounterVec,
    /// Not in the Go server. It is absent until there is a failure: the Go server's own tests
    /// allow no seventh family in a healthy server.
    pub(super) failures: IntCounterVec,
    /// Not in the Go server, and absent until something panics.
    pub(super) panics: IntCounterVec,
    /// The same.
    pub(super) closed: IntCounterVec,
    /// The same.
    pub(super) handshake_failures: IntCounterVec,
    /// The same.
    pub(super) cut_off: IntCounterVec,
    /// The same.
    pub(super) dropped_pods: IntCounterVec,
    pub(super) unusable: IntCounterVec,
    pub(super) tick_duration: Histogram,
    pub(super) points: GaugeVec,
    pub(super) requests: RequestMetrics,
}

/// Makes families and registers them.
struct Registrar<'r>(&'r Registry);

// === impl Families ===

impl Families {
    /// Those of a server that scrapes every `resolution`, served by `registry`.
    pub(super) fn register(registry: &Registry, resolution: Duration) -> Result<Self> {
        let new = Registrar(registry);
        Ok(Self {
            freshness: new.histogram(
                "metrics_server_api_metric_freshness_seconds",
                "Age of metrics when they were served, in seconds.",
                buckets::freshness(),
            )?,
            last_request: new.gauges(
                "metrics_server_kubelet_last_request_time_seconds",
                "Time of the last request to each kubelet, in seconds since the Unix epoch.",
                "node",
            )?,
            request_duration: new.histograms(
                "metrics_server_kubelet_request_duration_seconds",
                "Duration of requests to each kubelet, in seconds.",
                buckets::default(),
                &["node"],
            )?,
            request_total: new.counters(
                "metrics_server_kubelet_request_total",
                "Number of requests to kubelets, by success.",
                &["success"],
            )?,
            failures: new.counters(
                "metrics_server_kubelet_scrape_failures_total",
                "Number of failed scrapes of kubelets, by cause.",
                &["cause"],
            )?,
            panics: new.counters(
                "metrics_server_panics_total",
                "Number of panics, by the task that panicked.",
                &["task"],
            )?,
            closed: new.counters(
                "metrics_server_connections_closed_total",
                "Number of client connections that the server closed, by reason.",
                &["reason"],
            )?,
            handshake_failures: new.counters(
                "metrics_server_tls_handshake_failures_total",
                "Number of failed TLS handshakes with clients, by cause.",
                &["cause"],
            )?,
            cut_off: new.counters(
                "metrics_server_requests_cut_off_total",
                "Number of requests that ended before the whole response was sent, by reason.",
                &["reason"],
            )?,
            dropped_pods: new.counters(
                "metrics_server_storage_pods_dropped_total",
                "Number of pods that kubelets reported and that were dropped, by cause.",
                &["cause"],
            )?,

            unusable: new.counters(
                "metrics_server_storage_usage_dropped_total",
                "Usage of nodes and containers that was not served because it cannot be, by cause.",
                &["cause"],
            )?,
            tick_duration: new.histogram(
                "metrics_server_manager_tick_duration_seconds",
                "Duration of scrape cycles, in seconds.",
                buckets::around(resolution),
            )?,
            points: new.gauges(
                "metrics_server_storage_points",
                "Number of nodes and containers with usage to serve, by type.",
                "type",
            )?,
            requests: RequestMetrics {
                total: new.counters(
                    "apiserver_request_total",
                    "Number of requests to this server, by verb, resource and status code.",
                    &label_names(&["code"]),
                )?,
                duration: new.histograms(
                    "apiserver_request_duration_seconds",
                    "Duration of requests to this server, in seconds, by verb and resource.",
                    buckets::requests(),
                    &label_names(&[]),
                )?,
            },
        })
    }
}

// === impl Registrar ===

impl Registrar<'_> {
    fn histogram(&self, name: &str, help: &str, buckets: Vec<f64>) -> Result<Histogram> {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets)))
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        buckets: Vec<f64>,
        labels: &[&str],
    ) -> Result<HistogramVec> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels))
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> Result<GaugeVec> {
        self.add(GaugeVec::new(Opts::new(name, help), &[label]))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn add<C: Collector + Clone + 'static>(&self, family: Result<C>) -> Result<C> {
        let family = family?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }
}
