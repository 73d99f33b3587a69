//! What a server records about itself while it runs.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use apiserver::serving::Event;
use diagnosis::Cause;
use jiff::Timestamp;
use net::Clock;
use parking_lot::Mutex;
use prometheus::{Registry, TextEncoder, core::Collector};
use tokio::time::Instant;

use super::{families::Families, process::ProcessMetrics, requests::RequestMetrics};
use crate::store::Recorded;

/// A cycle that starts later than this many resolutions after the one before is late: the bound of
/// the Go server.
const LATE_AFTER: f64 = 1.5;

/// What one server records about itself: its metrics, the start of the current cycle, whether it
/// is shutting down. Several servers in one process do not share it.
pub struct Telemetry {
    clock: Clock,
    started: Timestamp,
    resolution: Duration,
    flags: BTreeMap<String, String>,
    cycle_started: Mutex<Option<Instant>>,
    stopping: AtomicBool,
    registry: Registry,
    process: Option<ProcessMetrics>,
    families: Families,
}

// === impl Telemetry ===

impl Telemetry {
    /// For a server that scrapes every `resolution` and runs with `flags`.
    pub fn new(
        clock: Clock,
        resolution: Duration,
        flags: BTreeMap<String, String>,
    ) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            started: clock.now(),
            clock,
            resolution,
            flags,
            cycle_started: Mutex::default(),
            stopping: AtomicBool::new(false),
            process: None,
            families: Families::register(&registry, resolution)?,
            registry,
        })
    }

    /// Adds the metrics of this process, for a server that does not share its process.
    pub fn with_process(mut self) -> Result<Self, prometheus::Error> {
        self.process = Some(ProcessMetrics::register(&self.registry)?);
        Ok(self)
    }

    /// Registers metrics of other parts.
    pub fn add(&self, collectors: Vec<Box<dyn Collector>>) -> Result<(), prometheus::Error> {
        collectors.into_iter().try_for_each(|collector| self.registry.register(collector))
    }

    /// Records the start of a cycle. The result is for [`Self::cycle_ended`].
    pub fn cycle_began(&self) -> Instant {
        let now = Instant::now();
        *self.cycle_started.lock() = Some(now);
        now
    }

    /// Records the end of the cycle that began at `start`, and of how many nodes and containers
    /// there is usage.
    pub fn cycle_ended(&self, start: Instant, nodes: usize, containers: usize) {
        self.families.tick_duration.observe(start.elapsed().as_secs_f64());
        self.families.points.with_label_values(&["node"]).set(nodes as f64);
        self.families.points.with_label_values(&["container"]).set(containers as f64);
    }

    /// Records a scrape of `node` that took `took`.
    pub fn scraped(&self, node: &str, took: Duration, failure: Option<Cause>) {
        let now = self.clock.now();
        self.families.request_duration.with_label_values(&[node]).observe(took.as_secs_f64());
        self.families.last_request.with_label_values(&[node]).set(now.as_second() as f64);
        let success = if failure.is_none() { "true" } else { "false" };
        self.families.request_total.with_label_values(&[success]).inc();
        if let Some(cause) = failure {
            self.families.failures.with_label_values(&[cause.name()]).inc();
        }
    }

    /// Removes the series of a node that was removed from the cluster.
    pub fn forget_node(&self, node: &str) {
        // An error means that there is no such series.
        let _ = self.families.request_duration.remove_label_values(&[node]);
        let _ = self.families.last_request.remove_label_values(&[node]);
    }

    /// Records that usage measured at `measured` is served.
    pub fn served(&self, measured: Timestamp) {
        let age = self.clock.now().duration_since(measured);
        self.families.freshness.observe(age.as_secs_f64());
    }

    /// Records a panic in `task`, such as a `request`.
    pub fn panicked(&self, task: &'static str) {
        self.families.panics.with_label_values(&[task]).inc();
    }

    /// Records an event of a client connection.
    pub fn serving(&self, event: Event) {
        match event {
            Event::Panicked => self.panicked("connection"),
            Event::Closed(why) => self.families.closed.with_label_values(&[why.label()]).inc(),
            Event::HandshakeFailed(failure) => {
                self.families.handshake_failures.with_label_values(&[failure.label()]).inc();
            }
            Event::CutOff(why) => self.families.cut_off.with_label_values(&[why.label()]).inc(),
        }
    }

    /// Records what the store dropped of a sample.
    pub fn recorded(&self, Recorded { dropped_pods, unusable }: &Recorded) {
        let Families { dropped_pods: pods, unusable: usages, .. } = &self.families;
        if *dropped_pods > 0 {
            pods.with_label_values(&["container_limit"]).inc_by(*dropped_pods as u64);
        }
        for (cause, count) in unusable {
            usages.with_label_values(&[cause]).inc_by(*count);
        }
    }

    /// From now on the server is shutting down.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is shutting down.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// How long the current cycle is late, and the limit; `None` while it is not.
    pub(crate) fn late_by(&self) -> Option<(Duration, Duration)> {
        let started = *self.cycle_started.lock();
        let (waited, limit) = (started?.elapsed(), self.resolution.mul_f64(LATE_AFTER));
        (waited > limit).then_some((waited, limit))
    }

    pub(super) fn requests(&self) -> &RequestMetrics {
        &self.families.requests
    }

    /// The flags, with their values.
    pub(crate) fn flags(&self) -> &BTreeMap<String, String> {
        &self.flags
    }

    /// When the server started.
    pub(crate) fn started(&self) -> Timestamp {
        self.started
    }

    /// How long the server has been running.
    pub(crate) fn uptime(&self) -> Duration {
        self.clock.now().duration_since(self.started).try_into().unwrap_or_default()
    }

    /// All metrics in Prometheus' text format.
    pub fn metrics(&self) -> Result<String, prometheus::Error> {
        if let Some(process) = &self.process {
            process.update();
        }
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
