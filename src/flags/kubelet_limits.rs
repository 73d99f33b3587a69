use clap::Args;

use super::values::{read_bytes, read_count};
use crate::kubelet::Limits;

/// How large kubelets' responses may be.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Kubelet client")]
#[allow(clippy::struct_field_names, reason = "these are the names of the flags")]
pub struct KubeletLimits {
    /// The most bytes in a kubelet's response. Larger ones are failed scrapes.
    #[arg(long, value_name = "SIZE", default_value = "32Mi", value_parser = read_bytes)]
    kubelet_max_body_size: usize,

    /// The most memory for all responses that are read at the same time. A response grows only while
    /// half of it is free, and is a failed scrape otherwise; one that begins waits.
    #[arg(long, value_name = "SIZE", default_value = "256Mi", value_parser = read_bytes)]
    kubelet_max_bodies_size: usize,

    /// The most series of nodes and containers in one response. Responses with more are failed
    /// scrapes.
    #[arg(long, value_name = "COUNT", default_value = "100000", value_parser = read_count)]
    kubelet_max_series: u64,

    /// The most bytes in a label of a series. Series with longer ones are dropped.
    #[arg(long, value_name = "COUNT", default_value = "256", value_parser = read_count)]
    kubelet_max_label_length: u64,

    /// The most containers that are kept of all kubelets together. Where kubelets report more,
    /// pods that the API server does not know are dropped.
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
