use clap::Args;

use super::values::{read_bytes, read_count};
use crate::kubelet::Limits;

/// Limits for what kubelets report.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Kubelet client")]
#[allow(clippy::struct_field_names, reason = "these are the names of the flags")]
pub struct KubeletLimits {
    /// The largest response body of one kubelet. Scrapes with a larger one fail.
    #[arg(long, value_name = "SIZE", default_value = "32Mi", value_parser = read_bytes)]
    kubelet_max_body_size: usize,

    /// The most memory for response bodies of all kubelets together while they are read. A body
    /// grows only while half of it is free, and its scrape fails otherwise; new ones wait.
    #[arg(long, value_name = "SIZE", default_value = "256Mi", value_parser = read_bytes)]
    kubelet_max_bodies_size: usize,

    /// The most series of nodes and containers in one response. Scrapes with more fail.
    #[arg(long, value_name = "COUNT", default_value = "100000", value_parser = read_count)]
    kubelet_max_series: u64,

    /// The most bytes in a label of a series. Series with longer labels are dropped.
    #[arg(long, value_name = "COUNT", default_value = "256", value_parser = read_count)]
    kubelet_max_label_length: u64,

    /// The most containers of all kubelets together that are stored. At the limit, pods that the API
    /// server does not list are dropped.
    #[arg(long, value_name = "COUNT", default_value = "500000", value_parser = read_count)]
    kubelet_max_containers: u64,
}

// === impl KubeletLimits ===

impl KubeletLimits {
    /// How many containers are kept of all kubelets together.
    pub fn containers(&self) -> usize {
        usize::try_from(self.kubelet_max_containers).unwrap_or(usize::MAX)
    }

    /// In the form in which they are applied.
    pub fn limits(&self) -> Limits {
        let count = |count| usize::try_from(count).unwrap_or(usize::MAX);
        Limits {
            body: self.kubelet_max_body_size,
            // One body must fit.
            bodies: self.kubelet_max_bodies_size.max(self.kubelet_max_body_size),
            series: count(self.kubelet_max_series),
            label: count(self.kubelet_max_label_length),
        }
    }
}
