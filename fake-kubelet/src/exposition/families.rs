//! The families of Kubernetes 1.36's kubelet.

use super::{Family, Kind};

pub(super) const CONTAINER_CPU: Family = Family::new(
    "container_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
);
pub(super) const CONTAINER_MEMORY: Family = Family::new(
    "container_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the container in bytes",
);
pub(super) const CONTAINER_START: Family = Family::new(
    "container_start_time_seconds",
    Kind::Gauge,
    "[STABLE] Start time of the container since unix epoch in seconds",
);
pub(super) const CONTAINER_SWAP_LIMIT: Family = Family::new(
    "container_swap_limit_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems",
);
pub(super) const CONTAINER_SWAP: Family = Family::new(
    "container_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems",
);
pub(super) const NODE_CPU: Family = Family::new(
    "node_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
);
pub(super) const NODE_MEMORY: Family = Family::new(
    "node_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the node in bytes",
);
pub(super) const NODE_SWAP: Family = Family::new(
    "node_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
);
pub(super) const POD_CPU: Family = Family::new(
    "pod_cpu_usage_seconds_total",
    Kind::Counter,
    "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
);
pub(super) const POD_MEMORY: Family = Family::new(
    "pod_memory_working_set_bytes",
    Kind::Gauge,
    "[STABLE] Current working set of the pod in bytes",
);
pub(super) const POD_SWAP: Family = Family::new(
    "pod_swap_usage_bytes",
    Kind::Gauge,
    "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
);
pub(super) const RESOURCE_SCRAPE_ERROR: Family = Family::new(
    "resource_scrape_error",
    Kind::Gauge,
    "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
);
pub(super) const SCRAPE_ERROR: Family = Family::new(
    "scrape_error",
    Kind::Gauge,
    "[ALPHA] 1 if there was an error while getting container metrics, 0 otherwise",
);
