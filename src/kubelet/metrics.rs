//! What is counted of kubelets besides failed scrapes. Labels are causes: they are few, and the
//! same for all nodes.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, core::Collector};

/// The metrics of kubelets' responses.
#[derive(Clone)]
pub struct KubeletMetrics {
    pub(super) fallbacks: IntCounterVec,
    pub(super) bad_lines: IntCounterVec,
    pub(super) most_taken: IntGaugeVec,
}

// === impl KubeletMetrics ===

impl KubeletMetrics {
    /// Nothing counted yet. Families are absent from `/metrics` until there is something to count.
    pub fn new() -> Result<Self, prometheus::Error> {
        let by_cause = |name, help| IntCounterVec::new(Opts::new(name, help), &["cause"]);
        Ok(Self {
            fallbacks: by_cause(
                "metrics_server_kubelet_address_fallbacks_total",
                "Addresses of kubelets that failed, so that another one was tried, by cause.",
            )?,
            bad_lines: by_cause(
                "metrics_server_kubelet_bad_lines_total",
                "Lines of kubelets' responses that were dropped, by cause.",
            )?,
            most_taken: IntGaugeVec::new(
                Opts::new(
                    "metrics_server_kubelet_bodies_most_bytes",
                    "The most memory that bodies of kubelets took up at the same time. Present once their limit was reached.",
                ),
                &[],
            )?,
        })
    }

    /// For a registry.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.fallbacks.clone()),
            Box::new(self.bad_lines.clone()),
            Box::new(self.most_taken.clone()),
        ]
    }
}
